# SPDX-License-Identifier: Apache-2.0
"""Passwords: where the machine itself asks for one, nothing of it is kept in any form; where only the terminal knows, its
identity is not."""
import time

from candor import Candor, Dump
from image import PASSWORDS
from input import CODES, EV_KEY
from seat import Seat
from witness import Witness

ROUNDS = 20
GRID_US = 250_000


def span(witness, before):
    """From the first key since `before` events to the Enter that ended them, in microseconds."""
    events = witness.events("virtio keyboard")[before:]
    return events[0][0], [time for time, kind, code, value in events if (kind, code, value) == (EV_KEY, CODES["\n"], 1)][-1]


def assert_nothing_within(dump, spans):
    """No event of any type, and no cell of the grid that tells of one: not even that Enter is let go of when it is over."""
    for number, (first, enter) in enumerate(spans):
        within = [line for line in dump.kinds("event") if first <= line["t_us"] <= enter + GRID_US]
        assert not within, f"of password {number}, typed from {first} to {enter}: {within[:5]}"


def control(machine, candor, witness):
    """What is typed where it is allowed, without an Enter that a prompt might take; the first and the last moment."""
    time.sleep(2 * GRID_US / 1e6)
    before = len(witness.events("virtio keyboard"))
    plain = len(witness.plain("virtio keyboard"))
    sent = machine.input.type_text("plain") + machine.input.tap("down")
    witness.wait_for({"virtio keyboard": plain + len(sent)})
    times = [event[0] for event in witness.events("virtio keyboard")[before:]]
    candor.wait_out_quarantine()
    return times[0], times[-1]


def assert_control_kept(dump, controls):
    """Otherwise the test would prove nothing."""
    for first, last in controls:
        kept = [line["code"] for line in dump.kinds("event") if first <= line["t_us"] <= last and line["type"] == "EV_KEY"]
        assert kept.count("KEY_P") == 2 and kept.count("KEY_DOWN") == 2, kept


def test_login(machine):
    """A password typed at the login prompt of another console leaves nothing, 20 times"""
    candor = Candor(machine, batch_seconds=1)
    seat = Seat(machine)
    # A login that ends at once.
    machine.sh("usermod -s /bin/true other")
    candor.grant("full")
    spans, controls = [], []
    with Witness(machine) as witness:
        controls.append(control(machine, candor, witness))
        for number in range(ROUNDS):
            seat.wait_for_prompt(2, "login: ")
            machine.input.type_text("cd ")
            seat.switch(2)
            before = len(witness.events("virtio keyboard"))
            plain = len(witness.plain("virtio keyboard"))
            sent = seat.log_in("other")
            witness.wait_for({"virtio keyboard": plain + len(sent)})
            spans.append(span(witness, before))
            seat.switch(1)
            candor.wait_for_recording("full")
            if number == ROUNDS - 1:
                controls.append(control(machine, candor, witness))
        candor.settle()
    dump = Dump(candor.dump())
    assert_control_kept(dump, controls)
    assert_nothing_within(dump, spans)
    # What the fingers did before they changed the console waited in quarantine.
    assert not [line for line in dump.kinds("event") if line["code"] in ("KEY_C", "KEY_D")]


def test_ask_password(machine):
    """A password typed where systemd asks for one leaves nothing, nor what was typed in the two seconds before, 20 times"""
    candor = Candor(machine, batch_seconds=1)
    machine.sh("echo 'person ALL=(root) NOPASSWD: /usr/bin/systemd-tty-ask-password-agent' > /etc/sudoers.d/test-agent")
    Seat(machine).wait_for_prompt(1, "$ ")
    machine.input.type_text("sudo systemd-tty-ask-password-agent --watch\n")
    machine.wait_until("pgrep -f ask-password-agent.--watch", why="the agent on tty1")
    candor.grant("full")
    spans, controls = [], []
    with Witness(machine) as witness:
        controls.append(control(machine, candor, witness))
        for number in range(ROUNDS):
            before = len(witness.events("virtio keyboard"))
            plain = len(witness.plain("virtio keyboard"))
            # Somebody who types on without looking: the first characters come before the prompt is there.
            sent = machine.input.type_text(PASSWORDS["person"][:3])
            asking = machine.spawn("systemd-ask-password --no-tty --timeout=60 Secret:")
            machine.wait_until("ls /run/systemd/ask-password/ask.*", why="the prompt", pause=0.05)
            sent += machine.input.type_text(PASSWORDS["person"][3:] + "\n")
            witness.wait_for({"virtio keyboard": plain + len(sent)})
            spans.append(span(witness, before))
            asking.wait(60)
            assert asking.poll() == 0, asking.output()
            candor.wait_for_recording("full")
        controls.append(control(machine, candor, witness))
        candor.settle()
    dump = Dump(candor.dump())
    assert_control_kept(dump, controls)
    assert_nothing_within(dump, spans)
    assert {gap["events"] for gap in dump.kinds("gap") if gap["reason"] == "inhibited"} == {None}, dump.kinds("gap")


def test_sudo(machine):
    """Of a password typed at sudo, which only the terminal knows, level actions keeps how many keys and when by 250 ms, not which"""
    candor = Candor(machine, batch_seconds=1)
    seat = Seat(machine)
    candor.grant()
    with Witness(machine) as witness:
        machine.input.type_text("sudo -k id\n")
        seat.wait_for_prompt(1, "for person: ")
        candor.wait_out_quarantine()
        before = len(witness.events("virtio keyboard"))
        plain = len(witness.plain("virtio keyboard"))
        sent = machine.input.type_text(PASSWORDS["person"] + "\n")
        witness.wait_for({"virtio keyboard": plain + len(sent)})
        first, enter = span(witness, before)
        seat.wait_for_prompt(1, "$ ")
        assert b"uid=0(root)" in machine.get("/dev/vcs1"), "sudo did not take the password"
        candor.settle()
    dump = Dump(candor.dump())
    kept = [line for line in dump.kinds("event") if first <= line["t_us"] <= enter + GRID_US]
    print("   kept of the password, its Enter included, from the first key on: " + ", ".join(
        f"{line['value']} × {line['code']} by {line['t_us'] - first:+} us" for line in kept if line["type"] != "EV_SYN"))
    text = [line for line in kept if line["type"] == "KEY_PRESS"]
    assert {line["code"] for line in text} == {"KEY_PRESS_TEXT"}, kept
    assert sum(line["value"] for line in text) == len(PASSWORDS["person"]), kept
    assert all(line["t_us"] % GRID_US == 0 for line in text), text
    rest = {(line["type"], line["code"]) for line in kept if line["type"] != "KEY_PRESS"}
    assert rest <= {("EV_KEY", "KEY_ENTER"), ("EV_SYN", "SYN_REPORT")}, rest
