# SPDX-License-Identifier: Apache-2.0
"""Whose typing is recorded, and how soon none is any more."""
import math
import re

from candor import Candor, Dump
from seat import Seat
from witness import Witness, symbolic

# Of which level actions keeps everything.
EXACT = ("up", "down", "left", "right", "home", "end")
EXACT_CODES = {f"KEY_{name.upper()}" for name in EXACT}


class Allowed:
    """Notes what the kernel delivers while recording is allowed."""

    def __init__(self, witness):
        self.witness = witness
        self.slices = {name: [] for name in witness.nodes}

    def work(self, machine, candor):
        """The person uses all four devices for a while, and rests until nothing of it waits in quarantine."""
        before = {name: len(self.witness.events(name)) for name in self.witness.nodes}
        plain = {name: len(self.witness.plain(name)) for name in self.witness.nodes}
        for device in ("virtio", "usb"):
            sent = [event for name in EXACT for event in machine.input.tap(name, device)]
            plain[f"{device} keyboard"] += len(sent)
            sent = machine.input.move(7, -4, device) + machine.input.click("left", device) + machine.input.wheel(True, device)
            plain[f"{device} mouse"] += len(sent)
        self.witness.wait_for(plain)
        candor.wait_out_quarantine()
        for name, count in before.items():
            self.slices[name] += self.witness.events(name)[count:]


def keys_and_motion(events):
    return [event for event in events if event[1] in ("EV_KEY", "EV_REL")]


def test_two_people_and_root(machine):
    """Of two people and root at one seat only the consenter's own active, unlocked session is recorded, event for event"""
    candor = Candor(machine, batch_seconds=1)
    seat = Seat(machine)
    seat.root_shell(3)
    candor.grant()
    mine = seat.session_of("person")
    with Witness(machine) as witness:
        allowed = Allowed(witness)
        allowed.work(machine, candor)
        seat.lock(mine, True)
        candor.wait_for_reason("session-locked")
        machine.input.type_text("to unlock: secret")
        seat.lock(mine, False)
        candor.wait_for_recording()
        allowed.work(machine, candor)
        seat.switch(2)
        candor.wait_for_reason("no-session")
        seat.log_in("other")
        seat.wait_for_prompt(2, "$ ")
        candor.wait_for_reason("consent-none")
        assert candor.open_input() == []
        for device in ("virtio", "usb"):
            machine.input.type_text("a letter of mine\n", device)
            machine.input.move(5, 5, device)
            machine.input.click("left", device)
        seat.switch(3)
        machine.input.type_text("id\n")
        seat.wait_for_prompt(3, "# ")
        assert not candor.status()["recording"] and candor.open_input() == []
        refused = machine.run("candorctl consent grant --yes", user="person")
        assert refused["rc"] != 0, "the person consented from a session in the background"
        seat.switch(1)
        candor.wait_for_recording()
        allowed.work(machine, candor)
        candor.settle()
        machine.input.type_text("after all")
    dump = Dump(candor.dump())
    for name, slices in allowed.slices.items():
        expected = keys_and_motion(symbolic(slices))
        kept = keys_and_motion(dump.of(witness.title(name)))
        # Ctrl and Alt are let go of when the session is already mine again.
        kept = [event for event in kept if event[2] in EXACT_CODES or event[1] == "EV_REL" or event[2].startswith("BTN_")
                or event[3] != 0]
        assert len(expected) >= 3 * 3 and kept == expected, f"{name}: {kept} instead of {expected}"
    classes = [line for line in dump.kinds("event") if line["type"] not in ("EV_KEY", "EV_REL", "EV_SYN", "EV_MSC", "SCROLL", "POINTER")]
    assert classes == [], f"text was typed only where it was not allowed: {classes}"


def percentile(values, part):
    return sorted(values)[math.ceil(len(values) * part) - 1]


def test_revoke_latency(machine):
    """From sending Revoke to the last event device closed, 100 times, and closed whenever the answer is there"""
    candor = Candor(machine, batch_seconds=1)
    uid = machine.sh("id -u person").strip()
    machine.input.type_text("something waits")
    out = machine.sh(f"revoke_timer {uid} {candor.pid()} actions 100", timeout=600)
    rounds = [[int(word) for word in line.split()] for line in out.splitlines() if re.fullmatch(r"\d+( \d+){3}", line)]
    assert len(rounds) == 100 and all(count == 4 for count, *_ in rounds), out
    closed, answered, looks = ([one[column] / 1000 for one in rounds] for column in (1, 2, 3))
    print(f"   closed after {percentile(closed, .5):.1f} ms (median), {percentile(closed, .99):.1f} ms (99 %), {max(closed):.1f} ms "
          f"(worst); answered after {percentile(answered, .5):.1f}, {percentile(answered, .99):.1f}, {max(answered):.1f} ms; "
          f"looked every {percentile(looks, .5):.1f} ms at the worst of half of them")
    assert max(closed) < 1000, closed
