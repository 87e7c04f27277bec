# SPDX-License-Identifier: Apache-2.0
"""The light that says that input is recorded."""
import random
import time

from candor import Candor
from leds import Leds
from seat import Seat

TRANSITIONS = 50


class Lights:
    """The Scroll Lock lights, by the kernel's word and by the hardware's."""

    def __init__(self, machine, candor):
        self.machine, self.candor = machine, candor
        self.files = machine.sh("ls -d /sys/class/leds/*::scrolllock/brightness").split()
        self.hardware = Leds(machine.qemu)
        assert len(self.files) == 2, self.files

    def shine(self):
        return [self.machine.get(file).strip() != b"0" for file in self.files]

    def wait_for(self, recording, why, timeout=20):
        """Until all shine and candord records, or none and it does not; how long that took."""
        begin = time.monotonic()

        def agrees():
            return self.candor.property("State") == ("recording" if recording else "closed") and \
                self.shine() == [recording] * len(self.files)
        self.machine.wait_until(agrees, timeout, pause=0.05, why=lambda: (
            f"{'light' if recording else 'darkness'} after {why}: {self.candor.property('State')}, {self.shine()}, "
            f"{self.candor.reasons()}, {self.candor.property('Indicators')}"))
        took = time.monotonic() - begin
        # It stays so; and the hardware agrees.
        assert self.shine() == [recording] * len(self.files), f"it did not last, after {why}"
        assert self.hardware.scroll_lock() == recording, f"the hardware, after {why}: {self.hardware.state}"
        return took


def test_light(machine):
    """The Scroll Lock light of every keyboard shines exactly while input is recorded, over 50 transitions in random order"""
    candor = Candor(machine, batch_seconds=1)
    seat = Seat(machine)
    lights = Lights(machine, candor)
    lights.wait_for(False, "the start")
    choose = random.Random(20)
    session = seat.session_of("person")
    # What holds recording off at the moment.
    off = {"consent"}
    held = {}

    def consent(on):
        machine.sh("candorctl consent grant --yes" if on else "candorctl consent revoke", user="person")

    def pause(on):
        machine.sh("candorctl resume" if on else "candorctl pause 1h", user="person")

    def inhibit(on):
        if on:
            held.pop("inhibitor").kill(9)
        else:
            held["inhibitor"] = candor.hold("a test", "to see the light", user="other")

    def lock(on):
        seat.lock(session, not on)

    def console(on):
        seat.switch(1 if on else 2)

    def enabled(on):
        machine.sh(f"candorctl {'enable' if on else 'disable'}")

    switches = {"consent": consent, "pause": pause, "inhibitor": inhibit, "lock": lock, "console": console, "enabled": enabled}
    slowest, lit = 0.0, 0
    for number in range(TRANSITIONS):
        # Mostly what is off comes on again, so that it records half of the time.
        possible = sorted(off) if off and choose.random() < 0.75 else sorted(switches)
        # From another console nobody consents or resumes.
        possible = [name for name in possible if "console" not in off or name not in ("consent", "pause") or name not in off]
        name = choose.choice(possible or ["console"])
        on = name in off
        switches[name](on)
        off ^= {name}
        took = lights.wait_for(not off, f"transition {number}: {name} {'on' if on else 'off'}")
        slowest = max(slowest, took)
        lit += not off
    print(f"   lit after {lit} of {TRANSITIONS}; the slowest to agree was seen after {slowest:.1f} s")
    assert lit >= 10, "it hardly ever recorded: the test proves little"


def test_put_out(machine):
    """A light that something else puts out is lit again, and stays lit over consoles, keys and setleds; a stop leaves it dark"""
    candor = Candor(machine, batch_seconds=1)
    lights = Lights(machine, candor)
    candor.grant()
    lights.wait_for(True, "the grant")
    for command in ("setleds -L -scroll < /dev/tty1", "setleds -D +scroll < /dev/tty1; setleds -D -scroll < /dev/tty1", "chvt 2; chvt 1"):
        machine.sh(command)
        candor.wait_for_recording()
        lights.wait_for(True, command)
    for key in ("scroll_lock", "scroll_lock"):
        machine.input.tap(key)
        lights.wait_for(True, key)
    # Then somebody who may write there.
    for command in ("for l in /sys/class/leds/*::scrolllock; do echo 0 > $l/brightness; done",
                    "for l in /sys/class/leds/*::scrolllock; do echo kbd-scrolllock > $l/trigger; done",
                    "python3 -c \"import struct\nfor n in range(6):\n  try: f = open(f'/dev/input/event{n}', 'wb', 0)\n  except OSError: "
                    "continue\n  f.write(struct.pack('llHHi', 0, 0, 17, 2, 0) + struct.pack('llHHi', 0, 0, 0, 0, 0))\""):
        machine.sh(command)
        begin = time.monotonic()
        # The next key brings the news.
        machine.input.tap("down", "virtio")
        machine.input.tap("down", "usb")
        lights.wait_for(True, command)
        print(f"   lit again {time.monotonic() - begin:.1f} s after: {command.splitlines()[0][:60]}")
    machine.sh("systemctl stop candord")
    assert lights.shine() == [False, False] and lights.hardware.scroll_lock() is False


def test_plugged_keyboard(machine):
    """A keyboard that is plugged in while recording shines too, and recording goes on"""
    candor = Candor(machine, batch_seconds=1)
    candor.grant()
    machine.qemu.command("device_add", driver="usb-kbd", id="another")
    machine.wait_until("test $(ls -d /sys/class/leds/*::scrolllock | wc -l) = 3", why="the keyboard")
    lights = "cat /sys/class/leds/*::scrolllock/brightness"
    machine.wait_until(lambda: machine.sh(lights).split() == ["1"] * 3, timeout=20, why=lambda: machine.sh(lights))
    machine.wait_until(lambda: len(candor.open_input()) == 5, timeout=20, why="its event device to be open")
    candor.wait_for_recording()
    machine.qemu.command("device_del", id="another")
    machine.wait_until(lambda: len(candor.open_input()) == 4, timeout=20, why="its event device to be closed")
    candor.wait_for_recording()


def test_late_permission(machine):
    """A service that is quicker than udev's rule for the light records as soon as it may light it"""
    candor = Candor(machine, batch_seconds=1)
    candor.grant()
    machine.sh("systemctl stop candord; for l in /sys/class/leds/*::scrolllock; do echo 0 > $l/brightness; done; udevadm settle; "
               "chmod g-w /sys/class/leds/*::scrolllock/brightness; systemctl start candord")
    assert candor.open_input() == [] and candor.reasons() == ["indicator-failed"]
    machine.sh("chmod g+w /sys/class/leds/*::scrolllock/brightness")
    begin = time.monotonic()
    candor.wait_for_recording(timeout=90)
    print(f"   recording {time.monotonic() - begin:.1f} s after the permission")


def test_no_light(machine):
    """Where no light can be driven nothing is recorded, unless the policy does not require it"""
    candor = Candor(machine, batch_seconds=1)
    candor.grant()
    # udev hears of the first and gives the permission again; so the second waits for it.
    machine.sh("systemctl stop candord; for l in /sys/class/leds/*::scrolllock; do echo 0 > $l/brightness; done; udevadm settle; "
               "chmod g-w /sys/class/leds/*::scrolllock/brightness; systemctl start candord")
    candor.wait_for_reason("indicator-failed")
    assert candor.open_input() == []
    machine.sh("sed -i s/RequiredIndicators=light/RequiredIndicators=none/ /etc/candor/policy.conf && candorctl policy reload")
    candor.grant()
    assert len(candor.open_input()) == 4
