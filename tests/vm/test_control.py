# SPDX-License-Identifier: Apache-2.0
"""Holding recording off: the panic chord, inhibitors, and the helper that knows what is focused."""
import time

from candor import Candor, Dump
from witness import Witness


def typed(dump, keys):
    """How often each of the keys went down, by its kernel name."""
    return {key: sum(1 for line in dump.kinds("event") if (line["code"], line["value"]) == (f"KEY_{key}", 1)) for key in keys}


def test_panic(machine):
    """Both Shift keys and Escape held for a second pause for 15 minutes, and what was typed in the two seconds before is dropped"""
    candor = Candor(machine, batch_seconds=1)
    candor.grant("full")
    with Witness(machine):
        machine.input.type_text("aha", "usb")
        candor.wait_out_quarantine()
        # Too short.
        machine.input.chord(["shift", "shift_r", "esc"], "usb", 0.4)
        assert candor.status()["recording"]
        candor.wait_out_quarantine()
        machine.input.type_text("xyz", "usb")
        machine.input.chord(["shift", "shift_r", "esc"], "usb", 1.4)
        now = int(machine.sh("date +%s"))
        assert candor.reasons() == ["paused"] and candor.open_input() == [], candor.status()
        assert 15 * 60 - 20 <= candor.property("PausedUntil") - now <= 15 * 60, candor.property("PausedUntil")
        machine.input.type_text("qrs", "usb")
        machine.sh("candorctl resume", user="person")
        candor.wait_for_recording("full")
        machine.input.type_text("bcb", "usb")
        candor.settle()
    dump = Dump(candor.dump())
    assert typed(dump, "AHXYZQRSBC") == {"A": 2, "H": 1, "X": 0, "Y": 0, "Z": 0, "Q": 0, "R": 0, "S": 0, "B": 2, "C": 1}
    assert "paused" in {gap["reason"] for gap in dump.kinds("gap")}, dump.kinds("gap")


def test_inhibitor(machine):
    """An inhibitor closes at once, drops what was typed in the seconds before, and ends with its holder, also by kill -9"""
    # On a busy host a process of the guest may take some seconds to begin.
    candor = Candor(machine, batch_seconds=1, quarantine_seconds=8)
    candor.grant("full")
    with Witness(machine):
        machine.input.type_text("aha")
        candor.wait_out_quarantine()
        for user in ("other", "root", "person"):
            machine.input.type_text("xyz")
            holder = candor.hold("a test", "it asks for a secret", user)
            assert candor.open_input() == [] and candor.reasons() == ["inhibited"]
            uid = int(machine.sh(f"id -u {user}"))
            assert candor.property("Inhibitors") == [["a test", "it asks for a secret", uid]], candor.property("Inhibitors")
            machine.input.type_text("qrs")
            begin = time.monotonic()
            holder.kill(9)
            machine.wait_until(lambda: candor.property("Inhibitors") == [], timeout=20, pause=0.05, why="the inhibitor to go")
            candor.wait_for_recording("full")
            print(f"   {user}'s gone and recording {time.monotonic() - begin:.1f} s after kill -9")
        # candorctl's way: as long as a command runs, with its status.
        ended = machine.run("candorctl inhibit --why 'a test' -- sh -c 'candorctl status --json; exit 7'", user="other")
        assert ended["rc"] == 7 and '"inhibited"' in ended["out"], ended
        candor.wait_for_recording("full")
        machine.input.type_text("bcb")
        candor.settle()
    dump = Dump(candor.dump())
    assert typed(dump, "AHXYZQRSBC") == {"A": 2, "H": 1, "X": 0, "Y": 0, "Z": 0, "Q": 0, "R": 0, "S": 0, "B": 2, "C": 1}
    gaps = [gap for gap in dump.kinds("gap") if gap["reason"] == "inhibited"]
    assert len(gaps) >= 3 and all(gap["events"] is None for gap in gaps), dump.kinds("gap")


def test_focus(machine):
    """Level full holds while the helper vouches: a secure field closes, an unknown one and a helper that is killed leave actions"""
    candor = Candor(machine, batch_seconds=1)
    candor.grant("full")
    with Witness(machine):
        machine.input.type_text("aha")
        candor.wait_out_quarantine()
        for focus in (("browser", "text", "secure"), ("browser", "password text", "plain")):
            machine.input.type_text("xyz")
            candor.focus(*focus)
            candor.wait_for_reason("inhibited")
            assert candor.open_input() == []
            machine.input.type_text("qrs")
            candor.focus("browser", "text", "plain")
            candor.wait_for_recording("full")
        candor.focus("", "", "unknown")
        candor.wait_for_recording("actions")
        machine.input.type_text("uvw")
        machine.input.tap("down")
        candor.wait_out_quarantine()
        candor.focus("browser", "text", "plain")
        candor.wait_for_recording("full")
        machine.input.type_text("bcb")
        candor.wait_out_quarantine()
        # What was typed shortly before it fell silent was never vouched for.
        machine.input.type_text("m")
        candor.helper.kill(9)
        machine.input.type_text("n")
        candor.wait_for_recording("actions")
        machine.input.type_text("o")
        candor.settle()
    dump = Dump(candor.dump())
    assert typed(dump, ["A", "H", "B", "C", "DOWN"]) == {"A": 2, "H": 1, "B": 2, "C": 1, "DOWN": 1}
    seen = typed(dump, "XYZQRSUVWNO")
    assert not any(seen.values()), seen


def test_required_context(machine):
    """A policy that requires the helper's indicator records only while the helper shows it"""
    candor = Candor(machine, batch_seconds=1, indicators="light context")
    machine.sh("candorctl consent grant --yes", user="person")
    assert candor.reasons() == ["indicator-failed"] and candor.open_input() == []
    candor.start_helper()
    candor.wait_for_recording("actions")
    candor.helper.kill(9)
    candor.wait_for_reason("indicator-failed")
    assert candor.open_input() == []
