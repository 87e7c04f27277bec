# SPDX-License-Identifier: Apache-2.0
"""Touch devices that are made through uinput, and the hands on them."""
EV_SYN, EV_KEY, EV_ABS = 0, 1, 3
ABS_X, ABS_Y, MT_SLOT, MT_X, MT_Y, MT_ID = 0x00, 0x01, 0x2f, 0x35, 0x36, 0x39
BTN_LEFT, BTN_TOUCH = 0x110, 0x14a
FINGERS = {1: 0x145, 2: 0x14d, 3: 0x14e}  # BTN_TOOL_FINGER, _DOUBLETAP, _TRIPLETAP
POINTER, DIRECT, BUTTONPAD = 0, 1, 2  # INPUT_PROP_…
FRAME_US = 12_000


def bits(kind, codes):
    """evemu's "B:" lines."""
    numbers = [0] * (max(codes) // 8 + 1)
    for code in codes:
        numbers[code // 8] |= 1 << code % 8
    return f"B: {kind:02x} " + " ".join(f"{number:02x}" for number in numbers)


def describe(name, product, properties, keys, width_mm, height_mm, per_mm):
    """evemu's description of a multi-touch device of that size."""
    axes = {ABS_X: width_mm, ABS_Y: height_mm, MT_X: width_mm, MT_Y: height_mm}
    lines = [f"N: {name}", f"I: 0018 1209 {product:04x} 0100", f"P: {sum(1 << one for one in properties):02x}",
             bits(EV_KEY, keys), bits(EV_ABS, [*axes, MT_SLOT, MT_ID])]
    lines += [f"A: {axis:02x} 0 {size * per_mm} 0 0 {per_mm}" for axis, size in axes.items()]
    lines += [f"A: {MT_SLOT:02x} 0 4 0 0 0", f"A: {MT_ID:02x} 0 65535 0 0 0"]
    return "\n".join(lines) + "\n"


TOUCHPAD = describe("Candor test touchpad", 2, [POINTER, BUTTONPAD], [BTN_LEFT, BTN_TOUCH, *FINGERS.values()], 100, 60, 40)
TOUCHSCREEN = describe("Candor test touchscreen", 3, [DIRECT], [BTN_TOUCH], 300, 180, 10)


class Hand:
    """Writes what fingers do as lines "DELAY_US TYPE CODE VALUE" of uinput_player. Positions are in units of the device."""

    def __init__(self, touchpad):
        self.touchpad = touchpad
        self.lines = []
        self.down = {}
        self.delay = 0
        self.next_id = 1

    def event(self, kind, code, value):
        self.lines.append(f"{self.delay} {kind} {code} {value}")
        self.delay = 0

    def rest(self, microseconds):
        self.delay += microseconds

    def frame(self, positions, after=FRAME_US):
        """All fingers at once: {slot: (x, y)}; a slot that is missing is lifted."""
        before = len(self.down)
        for slot in sorted(set(self.down) | set(positions)):
            self.event(EV_ABS, MT_SLOT, slot)
            if slot not in positions:
                self.event(EV_ABS, MT_ID, -1)
                continue
            if slot not in self.down:
                self.event(EV_ABS, MT_ID, self.next_id)
                self.next_id += 1
            x, y = map(round, positions[slot])
            self.event(EV_ABS, MT_X, x)
            self.event(EV_ABS, MT_Y, y)
        self.down = dict(positions)
        count = len(self.down)
        if (before == 0) != (count == 0):
            self.event(EV_KEY, BTN_TOUCH, int(count > 0))
        if self.touchpad and before != count:
            for fingers in {before, count} - {0}:
                self.event(EV_KEY, FINGERS[fingers], int(fingers == count))
        if self.down:
            x, y = map(round, self.down[min(self.down)])
            self.event(EV_ABS, ABS_X, x)
            self.event(EV_ABS, ABS_Y, y)
        self.event(EV_SYN, 0, 0)
        self.rest(after)

    def glide(self, starts, ends, frames):
        """Fingers from one place to another."""
        for step in range(frames + 1):
            part = step / frames
            self.frame({slot: (start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part)
                        for slot, (start, end) in enumerate(zip(starts, ends))})
        self.frame({})

    def tap(self, at):
        self.frame({0: at}, after=40_000)
        self.frame({})

    def text(self):
        return "\n".join(self.lines) + "\n"


class Player:
    """A uinput device in the guest, by an evemu description; play() sends its lines when somebody listens."""

    def __init__(self, machine, description, lines):
        machine.put("/root/device.desc", description)
        machine.put("/root/device.lines", lines)
        machine.sh("rm -f /root/device.go; mkfifo /root/device.go")
        self.machine = machine
        self.process = machine.spawn("bash -c '(read < /root/device.go; cat /root/device.lines) | uinput_player play /root/device.desc'")
        machine.wait_until(lambda: "ready" in self.process.output(), why="the device")
        self.node = self.process.output().split()[1]

    def play(self):
        self.machine.sh("echo go > /root/device.go")
        self.process.wait()
        assert "wrote" in self.process.output(), self.process.output()
