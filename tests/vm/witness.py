# SPDX-License-Identifier: Apache-2.0
"""An independent reader of the guest's event devices, to compare with what Candor says."""
import re

EV_SYN, EV_KEY, EV_REL, EV_MSC, EV_LED = 0, 1, 2, 4, 17
LED_SCROLLL = 2

NAMES = {"QEMU Virtio Keyboard": "virtio keyboard", "QEMU Virtio Mouse": "virtio mouse",
         "QEMU QEMU USB Keyboard": "usb keyboard", "QEMU QEMU USB Mouse": "usb mouse"}


def hardware_nodes(machine):
    """{"virtio keyboard": "/dev/input/event3", …} of the emulated hardware."""
    nodes = {}
    for line in machine.sh("grep -H . /sys/class/input/event*/device/name").splitlines():
        path, _, name = line.partition(":")
        if name in NAMES:
            nodes[NAMES[name]] = "/dev/input/" + path.split("/")[4]
    assert sorted(nodes) == sorted(NAMES.values()), nodes
    return nodes


CODE_NAMES = {}


def symbolic(events):
    """Numbers to names, by the kernel's own header."""
    if not CODE_NAMES:
        header = "/usr/include/linux/input-event-codes.h"
        for line in open(header):
            found = re.match(r"#define\s+(EV|SYN|KEY|BTN|REL|ABS|MSC|LED|REP|SW)_(\w+)\s+(0x[0-9a-f]+|\d+)\b", line)
            if found and found[2] not in ("MAX", "CNT", "MISC", "MOUSE", "JOYSTICK", "GAMEPAD", "DIGI", "WHEEL_HI", "MIN_INTERESTING"):
                kind = "KEY" if found[1] == "BTN" else found[1]
                CODE_NAMES.setdefault((kind, int(found[3], 0)), f"{found[1]}_{found[2]}")
    names = []
    for time, kind, code, value in events:
        kind = CODE_NAMES["EV", kind]
        names.append((time, kind, CODE_NAMES[kind[3:], code], value))
    return names


def without_light(packet):
    """What is left of a packet, its SYN_REPORT included: nothing, when the light was all of it."""
    kept = [event for event in packet if (event[1], event[2]) not in ((EV_LED, LED_SCROLLL), ("EV_LED", "LED_SCROLLL"))]
    return kept if len(kept) > 1 or len(kept) == len(packet) else []


class Witness:
    """Reads the given nodes, or the four emulated devices by their names, while the block lasts. It leaves out the Scroll Lock
    light, which Candor itself works and does not record."""

    def __init__(self, machine, nodes=None):
        self.machine = machine
        self.nodes = {node: node for node in nodes} if nodes else hardware_nodes(machine)
        self.seen, self.packets, self.offset, self.rest = {}, {}, 0, ""

    def __enter__(self):
        self.process = self.machine.spawn("monotonic_witness " + " ".join(self.nodes.values()))
        self.machine.wait_until(lambda: "ready" in self.process.output(), why="the witness")
        return self

    def __exit__(self, *_):
        self.process.close_stdin()

    def title(self, name):
        """The device's own name."""
        return next((title for title, short in NAMES.items() if short == name), name)

    def evtest(self, name):
        """Starts evtest on one device, as a second witness."""
        process = self.machine.spawn(f"stdbuf -oL evtest {self.nodes[name]}")
        self.machine.wait_until(lambda: "Testing" in process.output(), why="evtest")
        return process

    @staticmethod
    def evtest_events(process):
        """[(microseconds of the wall clock, type, code, value)] as evtest printed them."""
        process.kill()
        events, packet = [], []
        for line in process.output().splitlines():
            found = re.match(r"Event: time (\d+)\.(\d+), (?:type \d+ \((\w+)\), code \d+ \((\w+)\), value (-?\w+)|-+ (\w+) -)", line)
            if found:
                time = int(found[1]) * 1_000_000 + int(found[2])
                if found[6]:
                    events += without_light(packet + [(time, "EV_SYN", found[6], 0)])
                    packet = []
                else:
                    packet.append((time, found[3], found[4], int(found[5], 16) if found[4] == "MSC_SCAN" else int(found[5])))
        return events

    def poll(self):
        """Fetches what the witness has printed since the last time."""
        text = self.rest + self.machine.agent.get(self.process.out, self.offset).decode()
        self.offset += len(text) - len(self.rest)  # ASCII
        lines = text.split("\n")
        self.rest = lines.pop()
        for fields in map(str.split, lines):
            if len(fields) == 5:
                event = tuple(int(field) for field in fields[1:])
                packet = self.packets.setdefault(fields[0], [])
                packet.append(event)
                if event[1:3] == (EV_SYN, 0):
                    self.seen.setdefault(fields[0], []).extend(without_light(packet))
                    packet.clear()

    def events(self, name):
        """[(microseconds, type, code, value)] of one device so far."""
        self.poll()
        return list(self.seen.get(self.nodes[name], []))

    def plain(self, name):
        """What a person did: no SYN_REPORT, no scan codes, no autorepeat."""
        return [(kind, code, value) for _, kind, code, value in self.events(name)
                if kind not in (EV_SYN, EV_MSC) and not (kind == EV_KEY and value == 2)]

    def wait_for(self, counts, timeout=180, pause=0.3):
        """Until so many events of each device have come, but those that plain() leaves out."""
        self.machine.wait_until(lambda: all(len(self.plain(name)) >= count for name, count in counts.items()), timeout,
                                lambda: f"{counts} events; there are { {name: len(self.plain(name)) for name in counts} }", pause)
