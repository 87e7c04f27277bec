# SPDX-License-Identifier: Apache-2.0
"""The test machine itself: if these fail, no other guest test means anything."""
from witness import Witness

TEXT = "Hello, guest: 1 < 2!"


def test_session(machine):
    """After the boot the person's session is active on seat0 and no test user may read input devices"""
    session = machine.sh("loginctl show-seat seat0 -P ActiveSession").strip()
    shown = dict(line.split("=", 1) for line in machine.sh(f"loginctl show-session {session}").splitlines())
    assert (shown["Name"], shown["Active"], shown["Class"], shown["Remote"]) == ("person", "yes", "user", "no"), shown
    for user in ("person", "other"):
        assert machine.run("cat /dev/input/event0 > /dev/null", user=user, timeout=20)["rc"] != 0


def test_keyboards_and_mice(machine):
    """What is typed and moved on the virtio and the USB devices is what the kernel reports for each"""
    with Witness(machine) as witness:
        sent = {"virtio keyboard": [], "usb keyboard": [], "virtio mouse": [], "usb mouse": []}
        for character in TEXT:
            for device in ("virtio", "usb"):
                sent[f"{device} keyboard"] += machine.input.type_text(character, device)
        for device in ("virtio", "usb"):
            mouse = sent[f"{device} mouse"]
            mouse += machine.input.move(5, -3, device) + machine.input.move(-1, 0, device)
            mouse += machine.input.click("left", device) + machine.input.wheel(True, device)
            mouse += machine.input.wheel(False, device) + machine.input.click("right", device)
        witness.wait_for({name: len(events) for name, events in sent.items()})
        for name, events in sent.items():
            assert witness.plain(name) == events, (name, witness.plain(name), events)


def test_uinput(machine):
    """A mouse that is made through uinput reports what it was told to"""
    player = machine.spawn("uinput_player mice 1 100 1")
    machine.wait_until(lambda: "ready" in player.output(), why="the mouse")
    node = player.output().split()[1]
    with Witness(machine, [node]) as witness:
        player.close_stdin()
        machine.wait_until(lambda: len(witness.events(node)) == 300, why="300 events")
