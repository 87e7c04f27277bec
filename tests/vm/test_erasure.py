# SPDX-License-Identifier: Apache-2.0
"""What was recorded can be seen by the person, kept from leaving, and destroyed, wherever it has got to."""
import json
import re
import time

from candor import DATA, KEY, LAKE, SPOOL, Candor
from image import PASSWORDS
from seat import Seat
from test_path import forms_of
from input import CODES, PLAIN

MARKER = "zyxq vwkj pfgb"


def type_and_seal(machine, candor, text=MARKER):
    machine.input.type_text(text)
    candor.wait_out_quarantine()
    machine.wait_until(lambda: candor.status()["counters"]["FramesWaiting"] == 0, why="the shipper to take it")


def acts(candor):
    text = candor.machine.sh("candorctl audit --json", user="person")
    return re.findall(r'"act": ?"([a-z-]+)"', text)


def every_key(machine):
    """Every file of at most 16 KiB in the places where candord, the shipper or the recipient keep anything."""
    found = machine.sh(f"find /var/lib/candor {SPOOL} {LAKE} /etc/candor /etc/candor-refine /root -xdev -type f -size -16k").split()
    return [path for path in found if not path.startswith("/root/backup")]


def test_erased_everywhere(machine):
    """After an erasure no copy of what was typed opens with any key that is left anywhere, a backup of the segments included"""
    candor = Candor(machine, batch_seconds=1)
    candor.grant("full")
    type_and_seal(machine, candor)
    candor.settle()
    assert "KEY_Z" in machine.sh(f"candor-refine dump --key {KEY} {LAKE}")
    # A backup as backup programs make them: what is marked as a cache is left out.
    machine.sh(f"mkdir -p /root/backup; tar -C {LAKE} --exclude-caches-all -cf - . | tar -C /root/backup -xf -")
    copies = machine.sh("find /root/backup -name '*.candor'").split()
    assert copies and not machine.sh("find /root/backup -name '*.grant'"), copies
    machine.sh("cp /var/lib/candor/subjects/1000/epoch-1.key /dev/shm/epoch.key")
    machine.sh("candorctl consent revoke --erase", user="person")
    assert machine.sh("find /var/lib/candor/subjects -name 'epoch-*.key'") == ""
    machine.wait_until(f"ls {LAKE}/*/*.tombstone", why="the tombstone in the lake")
    # Before the recipient reads anything, what it covers is gone.
    out = machine.sh(f"candor-refine dump --key {KEY} {LAKE}")
    assert "KEY_" not in out, out
    assert machine.sh(f"find {LAKE} -name '*.candor' -o -name '*.grant'") == ""
    machine.wait_until(lambda: "erased" in acts(candor), timeout=200, why="the receipt to come back")
    assert acts(candor).count("keys-destroyed") == 1
    # Everything that is left anywhere, at every offset, tried as every kind of key on every copy.
    files = " ".join(every_key(machine))
    result = machine.run(f"try_keys {' '.join(copies)} -- {files}", timeout=900)
    assert result["rc"] == 1, result
    print("   " + result["out"].strip())
    assert KEY in every_key(machine), "the recipient's own key was not among those tried"
    refused = machine.run(f"candor-refine dump --any-device --read-only --key {KEY} {' '.join(copies)}")
    assert refused["rc"] != 0 and "KEY_" not in refused["out"], refused
    # And the trial would have found it: the epoch's key, kept aside for this before it was destroyed, opens the copies.
    result = machine.run(f"try_keys {' '.join(copies)} -- /dev/shm/epoch.key")
    assert result["rc"] == 0 and "as epoch key" in result["out"], result
    stored = {name: machine.get(name) for name in machine.sh(f"find /root/backup {LAKE} {SPOOL} /var/lib/candor -type f").split()}
    codes = [CODES[PLAIN.get(character, character)] for character in MARKER]
    for at in range(len(codes) - 3):
        for form in [MARKER[at:at + 4].encode(), *forms_of(codes[at:at + 4])]:
            assert not [name for name, data in stored.items() if form in data], (at, form)


def test_embargo_and_preview(machine):
    """What was recorded stays for its embargo; the person sees exactly it with their own password, deletes, and ships the rest"""
    candor = Candor(machine, batch_seconds=1, embargo_minutes=60)
    candor.grant("full")
    type_and_seal(machine, candor)
    candor.wait_out_quarantine()
    candor.revoke()
    machine.wait_until(f"ls {SPOOL}/*.candor", why="a finished segment in the spool")
    assert machine.sh(f"find {LAKE} -name '*.candor' -o -name '*.grant'") == "", "something left during its embargo"
    # Nor does it when the clock is set and the shipper starts anew.
    machine.sh("date -s '1 year' >/dev/null; systemctl restart candor-shipper")
    machine.wait_until(lambda: candor.property("Shipping")[0] == "shipping", why=lambda: candor.property("Shipping"))
    time.sleep(3)
    assert machine.sh(f"find {LAKE} -name '*.candor' -o -name '*.grant'") == "", "something left when the clock was set"
    machine.set_clock()
    streams = json.loads(machine.sh("candorctl my-data list --json", user="person"))
    assert len(streams["streams"]) == 1, streams
    assert json.loads(machine.sh("candorctl my-data list --json", user="other"))["streams"] == []
    # A program of the person's that has no password gets nothing, nor does root.
    for user in ("person", "root"):
        refused = machine.run("candorctl my-data export /tmp/mine.jsonl < /dev/null", user=user)
        assert refused["rc"] != 0 and machine.run("test -s /tmp/mine.jsonl")["rc"] != 0, (user, refused)
    assert "data-read" not in acts(candor)
    # At the console, with the password.
    seat = Seat(machine)
    machine.input.type_text("clear; candorctl my-data export mine.jsonl\n")
    seat.wait_for_prompt(1, "assword: ")
    machine.input.type_text(PASSWORDS["person"] + "\n")
    machine.wait_until("test -s /home/person/mine.jsonl", why="the export")
    seat.wait_for_prompt(1, "$ ")
    lines = [json.loads(line) for line in machine.get("/home/person/mine.jsonl").splitlines()]
    typed = [line["code"] for line in lines if line["kind"] == "event" and line["type"] == "EV_KEY" and line["value"] == 1]
    assert typed[:4] == ["KEY_Z", "KEY_Y", "KEY_X", "KEY_Q"], typed
    assert machine.sh("stat -c %a /home/person/mine.jsonl").strip() == "600"
    assert "data-read" in acts(candor)
    # Deleted before it left: nothing of it ever arrives.
    machine.sh("candorctl my-data delete --all --yes", user="person")
    machine.wait_until(f"test -z \"$(ls {SPOOL}/*.candor {SPOOL}/*.part 2>/dev/null)\"", why="the spool to let go of it")
    assert json.loads(machine.sh("candorctl my-data list --json", user="person"))["streams"] == []
    machine.wait_until(f"ls {LAKE}/*/*.tombstone", why="the tombstone in the lake")
    assert machine.sh(f"find {LAKE} -name '*.candor'") == ""
    assert candor.verify()["totals"]["streams"] == 0
    assert "data-deleted" in acts(candor)


def test_metrics(machine):
    """The metrics count what was sealed, by reason what was lost, and say when nothing is shipped"""
    candor = Candor(machine, batch_seconds=1)
    candor.grant()
    type_and_seal(machine, candor)
    candor.settle()
    def fresh():
        metrics = candor.metrics()
        return metrics["candor_events_stored_total"] == candor.status()["counters"]["EventsStored"] > 0 and metrics["candor_ring_frames"] == 0
    machine.wait_until(fresh, timeout=60, why="metrics to be as the counters are")
    metrics = candor.metrics()
    assert metrics['candor_recording{state="closed"}'] == 1 and metrics["candor_ring_frames"] == 0, metrics
    assert candor.property("Shipping")[0] == "shipping"
    assert candor.metrics("/run/candor-shipper/candor-shipper.prom")
    # A sink that is gone: alive, not shipping, and said so everywhere.
    machine.sh(f"mv {LAKE} {LAKE}.away")
    candor.grant()
    type_and_seal(machine, candor)
    candor.revoke()
    machine.wait_until(lambda: candor.property("Shipping")[0] == "stalled", timeout=60, why=lambda: candor.property("Shipping"))
    assert "alive but not shipping" in machine.sh("candorctl status", user="person")
    machine.wait_until(lambda: candor.metrics()['candor_shipping{state="stalled"}'] == 1, timeout=60, why="the metric to say so")
    assert candor.pid("candor-shipper") != 0 and "lake" in machine.sh("journalctl -b -u candor-shipper -p warning --no-pager")
    machine.sh(f"mv {LAKE}.away {LAKE}")
    machine.wait_until(lambda: candor.property("Shipping")[0] == "shipping", timeout=120, why="shipping to go on")
    machine.wait_until(f"test -z \"$(ls {SPOOL}/*.candor 2>/dev/null)\"", timeout=120, why="the spool to be empty")
    assert candor.verify()["totals"]["damaged"] == 0
