# SPDX-License-Identifier: Apache-2.0
"""The service's and the machine's life: what was decided holds, and recording goes on where it may."""
import json
import time

from candor import Candor, Dump
from witness import Witness


def journal(machine, which):
    return [json.loads(line) for line in machine.sh(f"journalctl -b -o json --no-pager {which}").splitlines()]


def test_service(machine):
    """After restart, kill, stop and disable the gate is as it was decided, and nothing is open in between"""
    candor = Candor(machine, batch_seconds=1)
    candor.grant()
    machine.sh("systemctl restart candord")
    candor.wait_for_recording()
    first = candor.pid()
    machine.sh("systemctl kill -s KILL candord")
    machine.wait_until(lambda: candor.pid() not in (0, first), why="candord to come back")
    candor.wait_for_recording()
    machine.sh("systemctl stop candord")
    assert machine.run("pgrep -u candor")["rc"] == 1, "a process of candord's is left"
    machine.sh("systemctl start candord")
    candor.wait_for_recording()
    # The administrator's switch: closed when the answer is there, kept over a restart, and no consent of anybody's.
    machine.sh("candorctl disable")
    assert candor.open_input() == [] and candor.reasons() == ["switched-off"]
    machine.sh("systemctl restart candord")
    candor.wait_for_reason("switched-off")
    assert candor.property("Enabled") is False and candor.open_input() == []
    machine.sh("candorctl enable")
    candor.wait_for_recording()
    candor.revoke()
    machine.sh("candorctl disable && candorctl enable")
    assert candor.reasons() == ["consent-withdrawn"]


def test_pause(machine):
    """A pause closes at once, survives a restart of the service and a reboot, and ends when the person says so"""
    candor = Candor(machine, batch_seconds=1)
    candor.grant()
    machine.sh("candorctl pause 2h", user="person")
    assert candor.open_input() == [] and candor.reasons() == ["paused"]
    until = candor.property("PausedUntil")
    now = int(machine.sh("date +%s"))
    assert 7100 < until - now <= 7200, (until, now)
    machine.sh("systemctl restart candord")
    assert candor.reasons() == ["paused"] and abs(candor.property("PausedUntil") - until) <= 1, (candor.property("PausedUntil"), until)
    machine.sh("systemctl enable candor.socket candord.service candor-shipper.service; sync")
    machine.reboot()
    candor.wait_for_reason("paused")
    # The machine's clock may have been set a little at boot.
    assert abs(candor.property("PausedUntil") - until) <= 60 and candor.open_input() == [], (candor.property("PausedUntil"), until)
    machine.sh("candorctl resume", user="person")
    candor.wait_for_recording()
    # It ends by itself, too.
    machine.sh("candorctl pause 3s", user="person")
    assert candor.open_input() == []
    candor.wait_for_recording(timeout=20)


def test_sleep(machine):
    """Suspended and woken: closed before the machine sleeps, open again after, and what is typed then is recorded"""
    candor = Candor(machine, batch_seconds=1)
    candor.grant()
    with Witness(machine) as witness:
        machine.input.type_text("before")
        machine.spawn("systemctl suspend")
        deadline = time.monotonic() + 60
        while machine.qemu.command("query-status")["status"] != "suspended":
            assert time.monotonic() < deadline, "the machine does not fall asleep"
            time.sleep(0.2)
        time.sleep(2)
        machine.qemu.command("system_wakeup")
        machine.agent.say_hello(60)
        candor.wait_for_recording()
        assert len(candor.open_input()) == 4
        before = len(witness.plain("virtio keyboard"))
        machine.input.tap("down")
        witness.wait_for({"virtio keyboard": before + 2})
        candor.settle()
    # The kernel's clock of messages may be some milliseconds off.
    gates = journal(machine, "-u candord")
    closed = [int(entry["__MONOTONIC_TIMESTAMP"]) for entry in gates if "asleep" in entry.get("CANDOR_REASONS", "")]
    fell_asleep = [int(entry["_SOURCE_MONOTONIC_TIMESTAMP"]) for entry in journal(machine, "-k")
                   if "suspend entry" in entry["MESSAGE"]]
    assert len(fell_asleep) == 1 and closed and closed[0] < fell_asleep[0], (closed, fell_asleep)
    dump = Dump(candor.dump())
    downs = [event[2:] for event in dump.of("QEMU Virtio Keyboard") if event[2] == "KEY_DOWN"]
    assert downs == [("KEY_DOWN", 1), ("KEY_DOWN", 0)], downs
    assert {gap["reason"] for gap in dump.kinds("gap")} == {"quarantined"}, dump.kinds("gap")
    totals = candor.verify()["totals"]
    assert totals["produced"] == totals["stored"] + totals["declared"] > 0, totals
