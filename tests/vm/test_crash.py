# SPDX-License-Identifier: Apache-2.0
"""What is sealed survives. `tests/vm/campaign` does the same many more times."""
import time

from candor import SPOOL, Candor, Dump
from crashes import QUICK, cut_power, kill_services, table


def test_kills(machine):
    """kill -9 of candord, the shipper and both while the mouse moves: every sealed frame arrives once, each end is declared"""
    print(table(kill_services(machine, 12, seed=1)))


def test_power_cuts(machine):
    """The plug is pulled while the mouse moves: after the next boot every acknowledged frame is there once, and a note tells the end"""
    print(table(cut_power(machine, 2, seed=1)))


def test_ring_survives(machine):
    """What nobody has taken survives a restart and a kill of candord in the descriptor store, and arrives once"""
    candor = Candor(machine, batch_seconds=1)
    machine.sh(QUICK)
    machine.sh("systemctl stop candor-shipper")
    candor.grant("full")
    for number, command in enumerate(("restart candord", "kill -s KILL candord", "restart candord")):
        machine.input.type_text("abc"[number])
        candor.wait_out_quarantine()
        before = candor.status()["counters"]["FramesWaiting"]
        assert before >= 2, before
        old = candor.pid()
        machine.sh(f"systemctl {command}")
        machine.wait_until(lambda: candor.pid() not in (0, old), why="candord to come back")
        candor.wait_for_recording("full")
        assert candor.status()["counters"]["FramesWaiting"] > before
    machine.sh("systemctl start candor-shipper")
    candor.settle()
    dump = Dump(candor.dump())
    pressed = [event[2] for event in dump.of("QEMU Virtio Keyboard") if event[1] == "EV_KEY" and event[3] == 1]
    assert pressed == ["KEY_A", "KEY_B", "KEY_C"], pressed
    reasons = [line["reason"] for line in dump.kinds("close")]
    assert reasons.count("crashed") == 1, reasons
    totals = candor.verify()["totals"]
    assert (totals["damaged"], totals["unclosed"]) == (0, 0), totals


def test_full_disk(machine):
    """A disk that is full stops the shipper from taking, not from living; nothing is lost while the ring holds, and all of it arrives"""
    candor = Candor(machine, batch_seconds=1)
    machine.sh(f"systemctl stop candor-shipper; mount -t tmpfs -o size=256k,uid=$(id -u candor-shipper),gid=$(id -g candor-shipper),mode=0750 "
               f"spool {SPOOL}; systemctl start candor-shipper; head -c 1M /dev/zero > {SPOOL}/ballast || true")
    candor.grant("full")
    machine.input.type_text("while the disk is full")
    machine.wait_until(lambda: candor.property("Shipping")[0] in ("refusing", "disconnected") and "No space" in machine.sh("journalctl -b -u candor-shipper --no-pager"),
                       timeout=60, why=lambda: candor.property("Shipping"))
    candor.wait_out_quarantine()
    assert candor.status()["counters"]["FramesWaiting"] > 0
    restarts = machine.sh("systemctl show -P NRestarts candor-shipper").strip()
    time.sleep(5)
    assert machine.sh("systemctl show -P NRestarts candor-shipper").strip() == restarts == "0", "the shipper crashed"
    machine.sh(f"rm {SPOOL}/ballast")
    machine.wait_until(lambda: candor.status()["counters"]["FramesWaiting"] == 0, timeout=90, why="the frames to be taken")
    machine.wait_until(lambda: candor.property("Shipping")[0] == "shipping", timeout=60, why=lambda: candor.property("Shipping"))
    candor.settle()
    pressed = "".join(event[2][4:].lower() for event in Dump(candor.dump()).of("QEMU Virtio Keyboard") if event[1] == "EV_KEY" and event[3] == 1 and len(event[2]) == 5)
    assert pressed == "whilethediskisfull", pressed
