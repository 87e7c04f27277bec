# SPDX-License-Identifier: Apache-2.0
"""What the kernel is asked not to deliver, seen in what candord reads."""
import re
import struct
import time

from candor import Candor

EVENT = "qqHHi"
TYPES = {0: "SYN", 1: "KEY", 2: "REL", 4: "MSC", 0x11: "LED"}


class Reads:
    """strace on candord: the types of the input events that it is given while the block runs, but for the lights."""

    def __init__(self, machine, candor):
        self.machine, self.candor = machine, candor

    def __enter__(self):
        self.devices = {link.rsplit("/", 1)[1] for link in self.machine.sh(
            f"find /proc/{self.candor.pid()}/fd -lname '/dev/input/*'").split()}
        self.machine.sh("rm -f /run/reads")
        self.strace = self.machine.spawn(f"strace -f -xx -s 8192 -e trace=read -o /run/reads -p {self.candor.pid()}")
        self.machine.wait_until(lambda: "attached" in self.strace.output(), why=self.strace.output)
        return self

    def __exit__(self, *exception):
        time.sleep(2)
        self.strace.kill(2)
        self.strace.wait()
        self.types = []
        for descriptor, content in re.findall(r'read\((\d+), "((?:\\x[0-9a-f]{2})*)"', self.machine.get("/run/reads").decode()):
            if descriptor in self.devices:
                events = struct.iter_unpack(EVENT, bytes.fromhex(content.replace("\\x", "")))
                self.types += [TYPES.get(type_, type_) for _, _, type_, _, _ in events if TYPES.get(type_) != "LED"]


def test_masks(machine):
    """The kernel never delivers what the level has no use for: no scan codes below full, no mouse at rhythm"""
    candor = Candor(machine, batch_seconds=1)
    seen = {}
    for level in ("full", "actions", "rhythm"):
        candor.grant(level)
        with Reads(machine, candor) as keys:
            machine.input.tap("a", "usb")
        with Reads(machine, candor) as motion:
            machine.input.move(3, 4, "usb")
        seen[level] = (keys.types, motion.types)
    # A key of a USB keyboard: scan code, key, end of report; twice. A motion: two axes, end of report.
    key, motion = ["KEY", "SYN"] * 2, ["REL", "REL", "SYN"]
    assert seen == {"full": (["MSC", "KEY", "SYN"] * 2, motion), "actions": (key, motion), "rhythm": (key, [])}, seen
