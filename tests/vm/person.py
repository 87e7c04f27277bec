# SPDX-License-Identifier: Apache-2.0
"""A simulated person at the guest's keyboards and mice."""
import math

from input import Script


def draw(mouse, device, steps, turn):
    """A spiral of so many steps, with a click every 100 and a notch of the wheel every 40 of them."""
    sent = []
    for step in range(steps):
        angle = turn * step / 37
        dx, dy = round(9 * math.cos(angle)), round(7 * math.sin(angle)) or 1
        sent += mouse.move(dx, dy, device)
        if step % 100 == 99:
            sent += mouse.click(("left", "right", "middle")[step // 100 % 3], device)
        if step % 40 == 39:
            sent += mouse.wheel(step % 80 == 39, device)
    return sent


def work(text, steps):
    """Scripts of all four devices, and what each should report."""
    sent, scripts = {}, []
    for device in ("virtio", "usb"):
        keyboard, mouse = Script(f"{device} keyboard"), Script(f"{device} mouse")
        sent[f"{device} keyboard"] = keyboard.type_text(text, device)
        sent[f"{device} mouse"] = draw(mouse, device, steps, 1 if device == "virtio" else -1)
        scripts += [keyboard, mouse]
    return scripts, sent
