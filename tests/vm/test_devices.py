# SPDX-License-Identifier: Apache-2.0
"""Devices of every kind, many of them, and fast ones."""
import collections
import os
import pathlib

from candor import Candor, Dump
from machine import Skipped
from touch import TOUCHPAD, TOUCHSCREEN, Hand, Player
from witness import Witness, symbolic

MICE = [f"Candor test mouse {number}" for number in range(1, 5)]


def captured(candor, name):
    return any(device["captured"] for device in candor.devices() if device["name"] == name)


def record(machine, candor, name, description, lines):
    """What Candor makes of one device's work: [(code, value)] in order."""
    player = Player(machine, description, lines)
    machine.wait_until(lambda: captured(candor, name), why=f"{name} to be captured")
    player.play()
    candor.settle()
    events = Dump(candor.dump()).of(name)
    times = [event[0] for event in events]
    assert times == sorted(times), "a time that goes back"
    return [(code, value) for _, _, code, value in events]


def total(events, code):
    return sum(value for one, value in events if one == code)


def test_touchpad(machine):
    """A touchpad gives pointer motion, taps, scrolling and pinches, and not one raw contact"""
    name = "Candor test touchpad"
    candor = Candor(machine, allow=[name])
    candor.grant()
    hand = Hand(touchpad=True)
    hand.glide([(1000, 600)], [(2600, 1400)], 40)
    hand.rest(600_000)
    hand.tap((2000, 1200))
    hand.rest(600_000)
    hand.glide([(1600, 600), (2300, 600)], [(1600, 1800), (2300, 1800)], 40)
    hand.rest(600_000)
    hand.glide([(1900, 1100), (2100, 1300)], [(900, 300), (3100, 2100)], 50)
    hand.rest(600_000)
    hand.glide([(1200, 1200), (1900, 1200), (2600, 1200)], [(2200, 1200), (2900, 1200), (3600, 1200)], 40)
    hand.rest(300_000)
    events = record(machine, candor, name, TOUCHPAD, hand.text())
    codes = collections.Counter(code for code, _ in events)
    assert total(events, "POINTER_DX") > 0 and total(events, "POINTER_DY") > 0, codes
    assert [value for code, value in events if code == "BTN_LEFT"] == [1, 0], codes
    assert abs(total(events, "SCROLL_FINGER_VERTICAL")) > 256 and events.count(("SCROLL_FINGER_VERTICAL", 0)) == 1, codes
    assert events.count(("GESTURE_PINCH_BEGIN", 2)) == 1 and events.count(("GESTURE_PINCH_END", 2)) == 1, codes
    assert max(value for code, value in events if code == "GESTURE_SCALE") > 2 * 65536, codes
    assert events.count(("GESTURE_SWIPE_BEGIN", 3)) == 1 and total(events, "GESTURE_DX") > 0, codes
    assert not any(code.startswith("ABS_") for code in codes), codes


def test_touchscreen(machine):
    """A touchscreen gives touches in order, and two fingers that spread are both there"""
    name = "Candor test touchscreen"
    candor = Candor(machine, allow=[name])
    candor.grant()
    hand = Hand(touchpad=False)
    hand.tap((1500, 900))
    hand.rest(300_000)
    hand.glide([(1400, 900), (1600, 900)], [(600, 900), (2400, 900)], 30)
    hand.rest(300_000)
    events = record(machine, candor, name, TOUCHSCREEN, hand.text())
    assert [code for code, _ in events[:3]] == ["TOUCH_DOWN", "TOUCH_X", "TOUCH_Y"], events[:4]
    assert all(abs(value - 65535 / 2) < 120 for _, value in events[1:3]), events[:4]
    touches = [(code, value) for code, value in events if code in ("TOUCH_DOWN", "TOUCH_UP")]
    assert touches == [("TOUCH_DOWN", 0), ("TOUCH_UP", 0), ("TOUCH_DOWN", 0), ("TOUCH_DOWN", 1), ("TOUCH_UP", 0), ("TOUCH_UP", 1)], touches
    # Where each finger was last: x follows the motion that names the slot.
    last = {}
    for (code, value), (after, x) in zip(events, events[1:]):
        if code == "TOUCH_MOTION" and after == "TOUCH_X":
            last[value] = x
    assert abs(last[0] - 600 / 3000 * 65535) < 120 and abs(last[1] - 2400 / 3000 * 65535) < 120, last


def test_real_descriptions(machine):
    """Recordings of real touchpads and touchscreens play through libinput"""
    folder = os.environ.get("CANDOR_EVEMU_DEVICES")
    if not folder:
        raise Skipped("CANDOR_EVEMU_DEVICES names no folder of evemu recordings")
    chosen = []
    for kind, wanted in (("touchpads", "POINTER"), ("touchscreens", "TOUCH")):
        for path in sorted(pathlib.Path(folder, kind).glob("*.events")):
            text = path.read_text(errors="replace")
            names = [line[3:] for line in text.splitlines() if line.startswith("N: ")]
            if names and len(names[0]) < 80:
                chosen.append((names[0], text, wanted))
    assert chosen, f"no recordings below {folder}"
    candor = Candor(machine, batch_seconds=1, allow=list(dict.fromkeys(name for name, _, _ in chosen))[:32])
    candor.grant()
    silent = []
    for name, text, wanted in chosen:
        description = "\n".join(line for line in text.splitlines() if line[:2] in ("N:", "I:", "P:", "B:", "A:"))
        lines, before = [], None
        for line in text.splitlines():
            if line.startswith("E:"):
                time, kind, code, value = line.split()[1:5]
                now = float(time)
                pause = 0 if before is None else min(max(0, round((now - before) * 1e6)), 200_000)
                lines.append(f"{pause} {int(kind, 16)} {int(code, 16)} {int(value)}")
                before = now
        player = Player(machine, description + "\n", "\n".join(lines[:4000]) + "\n")
        try:
            machine.wait_until(lambda: captured(candor, name), timeout=20, why=name)
        except AssertionError:
            rule = [device["rule"] for device in candor.devices() if device["name"] == name]
            silent.append(f"{name}: {rule}")
            player.play()
            continue
        packets = candor.status()["counters"]["Packets"]
        player.play()
        machine.wait_until(lambda: not captured(candor, name), why=f"{name} to go")
        if candor.status()["counters"]["Packets"] == packets:
            silent.append(f"{name}: no packet")
    candor.settle()
    seen = collections.Counter(line["type"] for line in candor.dump() if line["kind"] == "event")
    print(f"   {len(chosen)} recordings, {seen}; not heard: {silent}")
    assert seen["POINTER"] and seen["TOUCH"] and "EV_ABS" not in seen, seen
    assert len(silent) * 4 <= len(chosen), silent


def test_hotplug(machine):
    """A mouse that appears and vanishes 100 times costs no event of the others and leaks no descriptor"""
    candor = Candor(machine, allow=MICE[:1])
    candor.grant("full")
    before = candor.descriptors()
    with Witness(machine) as witness:
        plugging = machine.spawn("uinput_player hotplug 100")
        sent = {"virtio keyboard": [], "virtio mouse": []}
        while plugging.poll() is None:
            sent["virtio keyboard"] += machine.input.type_text("still here ")
            sent["virtio mouse"] += machine.input.move(3, -2) + machine.input.click("left")
        assert "plugged 100 times" in plugging.output(), plugging.output()
        witness.wait_for({name: len(events) for name, events in sent.items()})
        machine.wait_until(lambda: candor.descriptors() == before, timeout=30,
                           why=lambda: f"{before} descriptors; there are {candor.descriptors()}")
        candor.settle()
        dump = Dump(candor.dump())
        for name, events in sent.items():
            assert witness.plain(name) == events, f"{name}: the kernel did not deliver what was sent"
            assert dump.of(witness.title(name)) == symbolic(witness.events(name)), name
        assert {gap["reason"] for gap in dump.kinds("gap")} <= {"device_gone"}, dump.kinds("gap")
        seen = {(line["stream"], line["device"]) for line in dump.kinds("device") if line["name"] == MICE[0]}
        moves = [event for event in dump.of(MICE[0]) if event[2] == "REL_X"]
        print(f"   the mouse was recorded in {len(seen)} of its 100 lives, {len(moves)} of 500 moves")
        assert len(seen) >= 50 and all(value == 3 for _, _, _, value in moves), (len(seen), len(moves))


def undeclared(events, gaps):
    """How often a mouse of uinput_player skips reports where no gap is declared. Its motions repeat after 7 in x, 5 in y."""
    motions = {}
    for time, _, code, value in events:
        if code in ("REL_X", "REL_Y"):
            motions.setdefault(time, []).append(value)
    count, before, last = 0, None, 0
    for time, values in motions.items():
        if len(values) != 2:
            # Two reports in one microsecond: what they were together cannot be told.
            before = None
            continue
        number = next(n for n in range(35) if (1 + n % 7, -1 - n % 5) == tuple(values))
        if before is not None and number != (before + 1) % 35:
            count += not any(gap["from_us"] <= time and last <= gap["to_us"] for gap in gaps)
        before, last = number, time
    return count


def test_flood(machine):
    """Of 32,000 reports a second from four mice every lost one is declared, and the counts add up"""
    candor = Candor(machine, allow=MICE)
    candor.grant()
    mice = machine.spawn("uinput_player mice 4 8000 10")
    machine.wait_until(lambda: all(captured(candor, name) for name in MICE), why="the mice to be captured")
    mice.close_stdin()
    machine.wait_until(lambda: "all" in mice.output(), timeout=300, why="the mice to come to rest")
    written = {MICE[number]: int(line.split()[3]) for number, line in enumerate(
        line for line in mice.output().splitlines() if line.startswith("mouse"))}
    assert sum(written.values()) == 4 * 8000 * 10, mice.output()
    candor.settle(timeout=600)
    counters = candor.status()["counters"]
    totals = candor.verify()["totals"]
    assert totals["produced"] == totals["stored"] + totals["declared"] and totals["stored"] == totals["events"], totals
    assert counters["EventsProduced"] == counters["EventsStored"] + counters["EventsDeclaredLost"], counters
    assert (counters["EventsProduced"], counters["EventsStored"]) == (totals["produced"], totals["stored"]), (counters, totals)
    dump = Dump(candor.dump())
    holes = collections.Counter((dump.names.get((gap["stream"], gap["device"]), "all"), gap["reason"]) for gap in dump.kinds("gap"))
    stored = 0
    for name, reports in written.items():
        here = dump.of(name)
        stored += len(here)
        if holes[name, "dropped_by_kernel"] + holes["all", "ring_full"] == 0:
            assert len(here) == 3 * reports, f"{name}: {len(here)} of {3 * reports} events, and no hole is declared"
        times = [event[0] for event in here]
        assert times == sorted(times), name
        gaps = [gap for gap in dump.kinds("gap") if dump.names.get((gap["stream"], gap["device"]), name) == name]
        assert undeclared(here, gaps) == 0, f"{name}: reports are missing where no hole is declared"
    print(f"   {stored} of {3 * sum(written.values())} events stored, {totals['declared']} counted as lost, holes: {dict(holes)}; "
          f"{mice.output().splitlines()[-1]}")


def test_sandbox(machine):
    """candord runs as its own user with no capability, reads input devices only, and can open no socket of a network"""
    candor = Candor(machine)
    fields = dict(line.split(":", 1) for line in machine.sh(f"cat /proc/{candor.pid()}/status").splitlines() if ":" in line)
    assert fields["Uid"].split()[0] == machine.sh("id -u candor").strip() and fields["NoNewPrivs"].strip() == "1", fields
    assert {fields[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}, fields
    assert fields["Groups"].split() == [machine.sh("getent group input").split(":")[2]] or \
        machine.sh("getent group input").split(":")[2] in fields["Groups"].split(), fields
    # A program of ours in the very same sandbox tries what candord never should.
    probe = """
import errno, os, socket
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_PACKET):
    try:
        socket.socket(family, socket.SOCK_DGRAM); print("socket", family)
    except OSError as error:
        print("refused", errno.errorcode[error.errno])
for path, flags in (("/dev/vda", os.O_RDONLY), ("/dev/uinput", os.O_RDWR), ("/dev/input/event0", os.O_RDWR),
                    ("/home/person/.bashrc", os.O_RDONLY), ("/etc/candor/x", os.O_WRONLY | os.O_CREAT)):
    try:
        os.open(path, flags); print("opened", path)
    except OSError as error:
        print("refused", errno.errorcode[error.errno])
print("opened", bool(os.open("/dev/input/event0", os.O_RDONLY)))
"""
    machine.put("/usr/local/lib/candor-probe.py", probe)
    machine.sh("mkdir -p /run/systemd/system/candord.service.d && printf '[Service]\\nType=oneshot\\nRestart=no\\nExecStart=\\n"
               "ExecStart=/usr/bin/python3 /usr/local/lib/candor-probe.py\\nStandardOutput=truncate:/root/probe.out\\n' "
               "> /run/systemd/system/candord.service.d/probe.conf && systemctl daemon-reload && systemctl restart candord")
    lines = machine.get("/root/probe.out").decode().splitlines()
    assert [line.split()[0] for line in lines] == ["refused"] * 8 + ["opened"], lines
