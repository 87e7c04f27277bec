# SPDX-License-Identifier: Apache-2.0
"""Works the guest's keyboards and mice as hardware, through QMP, at a person's pace: one after the other with Input, all at
once with a Script for each and perform().

Every function returns what the kernel should report for it, as (type, code, value) of linux/input-event-codes.h, without
SYN_REPORT, MSC_SCAN and autorepeat. One QMP command is one report of the device. The pace matters: QEMU's USB devices
queue 16 reports and drop what does not fit, and a key held for 250 ms begins to repeat.
"""
import heapq
import time

from qemu import USB_DISPLAY, VIRTIO_DISPLAY

# How many reports of a device may be under way: USB queues 16 of a keyboard and adds up those of a mouse that the guest
# has not fetched; virtio has 64 buffers for single events.
WINDOWS = {"virtio keyboard": 8, "virtio mouse": 8, "usb keyboard": 6, "usb mouse": 1}
DISPLAYS = {"virtio": VIRTIO_DISPLAY, "usb": USB_DISPLAY}
EV_KEY, EV_REL = 1, 2
REL_X, REL_Y, REL_WHEEL, REL_WHEEL_HI_RES = 0, 1, 8, 11

ROWS = {2: "1234567890-=", 16: "qwertyuiop[]", 30: "asdfghjkl;'`", 44: "zxcvbnm,./"}
SHIFTED = {2: "!@#$%^&*()_+", 16: "QWERTYUIOP{}", 30: "ASDFGHJKL:\"~", 44: "ZXCVBNM<>?"}
QCODES = {"-": "minus", "=": "equal", "[": "bracket_left", "]": "bracket_right", ";": "semicolon", "'": "apostrophe",
          "`": "grave_accent", ",": "comma", ".": "dot", "/": "slash", " ": "spc", "\n": "ret"}
CODES = {" ": 57, "\n": 28}
KEY_LEFTSHIFT = 42
NAMED = {"esc": 1, "backspace": 14, "tab": 15, "ctrl": 29, "shift": 42, "shift_r": 54, "alt": 56, "f1": 59, "f2": 60, "f3": 61,
         "f4": 62, "scroll_lock": 70, "home": 102, "up": 103, "left": 105, "right": 106, "end": 107, "down": 108, "ret": 28,
         "spc": 57}
BUTTONS = {"left": 0x110, "right": 0x111, "middle": 0x112}

for first, row in ROWS.items():
    for offset, character in enumerate(row):
        CODES[character] = first + offset
        QCODES.setdefault(character, character)
PLAIN = {}
for first, row in SHIFTED.items():
    for offset, character in enumerate(row):
        PLAIN[character] = ROWS[first][offset]


class Input:
    """`key_seconds` is waited after every key event, `pointer_seconds` after every report of a mouse."""

    def __init__(self, qemu, key_seconds=0.035, pointer_seconds=0.0125):
        self.qemu = qemu
        self.key_seconds = key_seconds
        self.pointer_seconds = pointer_seconds

    def send(self, device, events, seconds, expected):
        """One report, and the time that must pass before the next of the same device; returns what it was given."""
        self.qemu.command("input-send-event", device=DISPLAYS[device], events=events)
        time.sleep(seconds)
        return expected

    def key(self, qcode, code, down, device):
        event = {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": qcode}}}
        return self.send(device, [event], self.key_seconds, [(EV_KEY, code, int(down))])

    def press_key(self, name, down, device="virtio"):
        """A key by its QEMU name, for those in NAMED and single characters."""
        code = NAMED.get(name) or CODES[name]
        return self.key(name if name in NAMED else QCODES[name], code, down, device)

    def tap(self, name, device="virtio"):
        return self.press_key(name, True, device) + self.press_key(name, False, device)

    def chord(self, names, device="virtio", seconds=0.0):
        """Presses one after the other, holds them all for a while, and lets go in the opposite order."""
        sent = [event for name in names for event in self.press_key(name, True, device)]
        time.sleep(seconds)
        return sent + [event for name in reversed(names) for event in self.press_key(name, False, device)]

    def type_text(self, text, device="virtio"):
        """Types a text of the US layout."""
        sent = []
        for character in text:
            plain = PLAIN.get(character, character)
            shifted = plain != character
            if shifted:
                sent += self.key("shift", KEY_LEFTSHIFT, True, device)
            sent += self.key(QCODES[plain], CODES[plain], True, device)
            sent += self.key(QCODES[plain], CODES[plain], False, device)
            if shifted:
                sent += self.key("shift", KEY_LEFTSHIFT, False, device)
        return sent

    def move(self, dx, dy, device="virtio"):
        events = [{"type": "rel", "data": {"axis": axis, "value": value}} for axis, value in (("x", dx), ("y", dy)) if value]
        return self.send(device, events, self.pointer_seconds,
                         [(EV_REL, code, value) for code, value in ((REL_X, dx), (REL_Y, dy)) if value])

    def press(self, name, down, device, expected):
        return self.send(device, [{"type": "btn", "data": {"down": down, "button": name}}], self.pointer_seconds, expected)

    def button(self, name, down, device="virtio"):
        return self.press(name, down, device, [(EV_KEY, BUTTONS[name], int(down))])

    def click(self, name="left", device="virtio"):
        return self.button(name, True, device) + self.button(name, False, device)

    def wheel(self, up, device="virtio"):
        """One notch. The kernel's HID driver adds the high-resolution twin of the wheel, virtio's does not."""
        name, value = ("wheel-up", 1) if up else ("wheel-down", -1)
        notch = [(EV_REL, REL_WHEEL, value)] + ([(EV_REL, REL_WHEEL_HI_RES, 120 * value)] if device == "usb" else [])
        return self.press(name, True, device, notch) + self.press(name, False, device, [])


class Script(Input):
    """Notes what one device shall do, to be performed beside others."""

    def __init__(self, name, key_seconds=0.035, pointer_seconds=0.0125):
        super().__init__(None, key_seconds, pointer_seconds)
        self.name = name
        self.reports = []

    def send(self, device, events, seconds, expected):
        self.reports.append((device, events, seconds, len(expected)))
        return expected


def perform(qemu, scripts, witness):
    """Plays scripts of different devices at once. A device that comes late goes on at its pace, it never hurries; and it
    waits for the witness when the guest is so slow that QEMU would lose reports."""
    real = Input(qemu)
    begin = time.monotonic()
    queue = [(0.0, number, 0) for number, script in enumerate(scripts) if script.reports]
    heapq.heapify(queue)
    sent = [[] for _ in scripts]  # how many events were expected after each report
    while queue:
        due, number, position = heapq.heappop(queue)
        script = scripts[number]
        time.sleep(max(0.0, begin + due - time.monotonic()))
        window = WINDOWS[script.name]
        if position % window == 0 and position >= window:
            witness.wait_for({script.name: sent[number][position - window]}, pause=0.01)
        device, events, seconds, count = script.reports[position]
        real.send(device, events, 0, [])
        sent[number].append(count + (sent[number][-1] if sent[number] else 0))
        if position + 1 < len(script.reports):
            heapq.heappush(queue, (time.monotonic() - begin + seconds, number, position + 1))
