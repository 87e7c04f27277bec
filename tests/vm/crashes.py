# SPDX-License-Identifier: Apache-2.0
"""Crashes of the services and of the machine while a mouse moves whose every motion carries a number."""
import random
import threading
import time

from candor import LAKE, SPOOL, Candor

BATCH_SECONDS, QUARANTINE_SECONDS = 1, 2
# What is not sealed when candord dies: what waits in quarantine, and a batch. The rest is for the grid, and a slow host.
UNSEALED_SECONDS = QUARANTINE_SECONDS + 2 * BATCH_SECONDS + 4
WIDTH = 100
BEFORE = "/root/before-the-cut"  # older than what is delivered afterwards

QUICK = """mkdir -p /run/systemd/system/candor-shipper.service.d /run/systemd/system/candord.service.d
printf '[Service]\\nRestartSec=100ms\\n' | tee /run/systemd/system/candor-shipper.service.d/quick.conf > /run/systemd/system/candord.service.d/quick.conf
systemctl daemon-reload"""


class Mover:
    """Moves the mouse, motion after motion, until told to stop. Motion n is (n % WIDTH + 1, n // WIDTH + 1)."""

    def __init__(self, machine, first=0, seconds=0.02):
        self.machine, self.seconds = machine, seconds
        self.sent = []  # (number, time.monotonic())
        self.next = first
        self.going = True
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while self.going:
            try:
                self.machine.input.move(self.next % WIDTH + 1, self.next // WIDTH + 1)
            except Exception:
                return  # the machine is gone
            self.sent.append((self.next, time.monotonic()))
            self.next += 1
            time.sleep(self.seconds)

    def stop(self):
        self.going = False
        self.thread.join()


def numbers_by_stream(lines):
    """{stream: [number]} of every motion in a dump, streams in its order; "" for what stands in no event."""
    streams, motion = {}, {}
    for line in lines:
        if line["kind"] == "open":
            streams.setdefault(line["stream"], [])
        elif line["kind"] == "event":
            if line["type"] == "EV_REL":
                motion[line["code"]] = line["value"]
            elif line["type"] == "EV_SYN" and motion:
                streams[line["stream"]].append((motion["REL_Y"] - 1) * WIDTH + motion["REL_X"] - 1)
                motion = {}
    return streams


def check_numbers(lines):
    """Each motion at most once, and within a stream none missing but where a gap is declared. Returns {stream: (first, last)}."""
    seen, ranges = set(), {}
    with_holes = {line["stream"] for line in lines if line["kind"] == "gap" and line["reason"] in ("dropped_by_kernel", "ring_full", "quarantine_full")}
    for stream, numbers in numbers_by_stream(lines).items():
        again = seen & set(numbers)
        assert not again and len(set(numbers)) == len(numbers), f"stream {stream}: {sorted(again)[:5]} stored twice"
        seen |= set(numbers)
        if numbers:
            assert numbers == sorted(numbers), f"stream {stream} is out of order"
            missing = numbers[-1] - numbers[0] + 1 - len(numbers)
            assert missing == 0 or stream in with_holes, f"stream {stream}: {missing} motions missing between {numbers[0]} and {numbers[-1]}"
            ranges[stream] = (numbers[0], numbers[-1])
    return ranges


def wait_until_delivered(machine, candor, timeout=300):
    """Everything but the stream that is being written is in the lake."""
    machine.wait_until(f"test -z \"$(ls {SPOOL}/*.candor {SPOOL}/*.note 2>/dev/null)\"", timeout, why="the spool to be empty")


def settle(machine, candor):
    candor.revoke()
    machine.wait_until(lambda: candor.status()["counters"]["FramesWaiting"] == 0, 300, why="the ring to be empty")
    machine.wait_until(f"test -z \"$(ls {SPOOL}/*.part 2>/dev/null)\"", 300, why="the last part")
    wait_until_delivered(machine, candor)


def kill_services(machine, kills, seed=None, say=lambda text: None):
    """Kills candord, the shipper or both `kills` times while the mouse moves. A table of what was done and what came of it."""
    chance = random.Random(seed)
    candor = Candor(machine, batch_seconds=BATCH_SECONDS, quarantine_seconds=QUARANTINE_SECONDS)
    machine.sh(QUICK)
    candor.grant()
    mover = Mover(machine)
    done = {"candord": 0, "shipper": 0, "both": 0}
    try:
        for number in range(kills):
            if chance.random() < 0.6:
                # On a slow host nothing would ever be sealed otherwise.
                candor.wait_for_recording()
                time.sleep(chance.uniform(0, QUARANTINE_SECONDS + 3 * BATCH_SECONDS))
            else:
                time.sleep(chance.uniform(0.2, 3.5))
            target = chance.choice(list(done))
            units = {"candord": "candord", "shipper": "candor-shipper", "both": "candord candor-shipper"}[target]
            machine.sh(f"systemctl kill -s KILL {units} || true")
            done[target] += 1
            if number % 10 == 9:
                candor.wait_for_recording()
                holds = candor.verify(allow_unclosed=True)["totals"]
                assert holds["damaged"] == 0, holds
                say(f"{number + 1} of {kills} kills, {holds['streams']} streams, verify holds")
        candor.wait_for_recording()
        time.sleep(UNSEALED_SECONDS)
    finally:
        mover.stop()
    candor.wait_out_quarantine()
    settle(machine, candor)
    lines, report = candor.dump(), candor.verify()
    ranges = check_numbers(lines)
    closes = [line["reason"] for line in lines if line["kind"] == "close"]
    totals = report["totals"]
    assert (totals["damaged"], totals["unclosed"]) == (0, 0), totals
    crashed = closes.count("crashed")
    deaths = done["candord"] + done["both"]
    assert 0 < crashed <= deaths, (crashed, deaths)
    # One that died before its first stream has its gap in the next one.
    declared = sum(line["kind"] == "gap" and line["reason"] == "crash" for line in lines)
    assert crashed <= declared <= deaths, (crashed, declared, deaths)
    # A kill of the shipper alone loses nothing: only what candord had not sealed when it died is missing, and the time it was away.
    stored = sum(last - first + 1 for first, last in ranges.values())
    assert machine.sh(f"ls {SPOOL}/damaged 2>/dev/null || true") == "", "something was damaged"
    return {**done, "streams": totals["streams"], "ended by a successor": crashed, "crash gaps": declared, "motions sent": len(mover.sent), "stored": stored,
            "produced": totals["produced"], "declared": totals["declared"], "verify": "holds"}


def cut_power(machine, cuts, seed=None, say=lambda text: None):
    """Pulls the plug `cuts` times while the mouse moves, and boots the same disk again. A table as above."""
    chance = random.Random(seed)
    candor = Candor(machine, batch_seconds=BATCH_SECONDS, quarantine_seconds=QUARANTINE_SECONDS)
    machine.sh("systemctl enable candor.socket candord.service candor-shipper.service; systemctl mask systemd-random-seed; sync")
    candor.grant()
    # From here on the guest's fsync counts.
    machine.sh("sync")
    machine.reboot()
    first, lost, notes, worst = 0, 0, 0, 0.0
    for number in range(cuts):
        candor.wait_for_recording(timeout=180)
        machine.sh(f"touch {BEFORE}; sync {BEFORE}")
        mover = Mover(machine, first)
        time.sleep(chance.uniform(2, 8))
        # What the shipper has acknowledged by now must be there afterwards.
        acknowledged = candor.status()["counters"] if chance.random() < 0.7 else None
        time.sleep(chance.uniform(0, 2))
        machine.qemu.power_cut()
        cut = time.monotonic()
        mover.stop()
        machine.boot_again()
        machine.wait_until("systemctl is-active candord candor-shipper", timeout=180, why="the services")
        machine.wait_until(lambda: candor.status()["counters"]["FramesWaiting"] == 0, 180, why="the ring to be empty")
        wait_until_delivered(machine, candor)
        report = candor.verify(allow_unclosed=True)
        assert report["totals"]["damaged"] == 0, report["totals"]
        sent = dict(mover.sent)
        files = machine.sh(f"find {LAKE} -name '*.candor' -newer {BEFORE}").split()
        new = candor.dump(allow_unclosed=True, paths=" ".join(files)) if files else []
        stored = [n for _, numbers in numbers_by_stream(new).items() for n in numbers if n in sent]
        assert sorted(stored) == list(range(first, first + len(stored))), f"cut {number}: {len(stored)} stored are not the first of {len(sent)}"
        missing = len(sent) - len(stored)
        behind = cut - sent[stored[-1]] if stored else cut - mover.sent[0][1]
        if acknowledged and acknowledged["FramesWaiting"] == 0 and stored:
            assert len(stored) * 3 >= acknowledged["EventsStored"] - 2, (len(stored), acknowledged)
        assert behind <= UNSEALED_SECONDS, f"cut {number}: what was sent {behind:.1f} s before the plug was pulled is missing"
        worst, lost = max(worst, behind), lost + missing
        first = mover.next
        say(f"cut {number + 1} of {cuts}: {len(stored)} motions stored, {missing} not sealed, the last {behind:.1f} s before the cut")
    settle(machine, candor)
    check_numbers(candor.dump())
    report = candor.verify()
    notes = machine.sh(f"find {LAKE} -name '*.note' | wc -l").strip()
    assert (report["totals"]["damaged"], report["totals"]["unclosed"]) == (0, 0), report["totals"]
    return {"power cuts": cuts, "streams": report["totals"]["streams"], "notes": int(notes), "motions sent": first, "not sealed": lost,
            "worst seconds not sealed": round(worst, 1), "verify": "holds"}


def table(result):
    return "   " + ", ".join(f"{key} {value}" for key, value in result.items())
