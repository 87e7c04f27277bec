#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What recording costs on a real kernel, beside other recorders in the same boot: guest.py --bin BUILD

Runs in the test machine (tests/vm). Software emulation makes all of it slower than metal, and noisy: only ratios mean
something. Two parts: candord at rest with the gate open (wakeups, CPU, memory), and mice that move at a high rate, read by a
loop that throws everything away, by candord, libinput record and evemu-record in turns.
"""
import argparse
import json
import pathlib
import re
import shutil
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "vm"))

from candor import Candor  # noqa: E402
from machine import Machine  # noqa: E402

IDLE_SECONDS = 60
BATCH_SECONDS = 5
MICE = [f"Candor test mouse {n}" for n in range(1, 5)]
# Mice, reports a second of each, seconds. An emulated machine on two busy cores keeps up with no more.
LOADS = [(1, 1000, 8), (4, 1000, 8)]
GO = "/run/bench-go"


def field(text, name):
    return int(re.search(rf"^{name}:\s+(\d+)", text, re.M)[1])


def cpu_ns(machine, pids):
    """On the CPU so far, all threads together."""
    return sum(int(line.split()[0]) for line in machine.sh("cat " + " ".join(f"/proc/{pid}/task/*/schedstat" for pid in pids)).splitlines())


def memory(machine, pid):
    """KiB: the peak, and what is resident now by where it comes from."""
    status = machine.sh(f"cat /proc/{pid}/status")
    rollup = machine.sh(f"cat /proc/{pid}/smaps_rollup")
    parts, files = {}, {}
    name = ""
    for line in machine.sh(f"cat /proc/{pid}/smaps").splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            words = line.split(maxsplit=5)
            name = words[5] if len(words) == 6 else "anonymous"
        elif line.startswith("Rss:"):
            kind = ("program" if name.endswith("/candord") else "libraries" if "/lib/" in name else "ring" if name.startswith("/memfd")
                    else "heap and other private memory")
            size = int(line.split()[1])
            parts[kind] = parts.get(kind, 0) + size
            if kind == "libraries":
                files[pathlib.Path(name).name] = files.get(pathlib.Path(name).name, 0) + size
    return {"peak": field(status, "VmHWM"), "resident": field(status, "VmRSS"), "anonymous": field(rollup, "Anonymous"),
            "shared_clean": field(rollup, "Shared_Clean"), "private_clean": field(rollup, "Private_Clean"),
            "private_dirty": field(rollup, "Private_Dirty"), "parts": parts,
            "libraries": dict(sorted(files.items(), key=lambda item: -item[1]))}


def idle(machine, pid):
    """Of IDLE_SECONDS in which nobody touches anything."""
    def sample():
        status = machine.sh(f"cat /proc/{pid}/status")
        return {"voluntary": field(status, "voluntary_ctxt_switches"), "involuntary": field(status, "nonvoluntary_ctxt_switches"),
                "cpu_us": cpu_ns(machine, [pid]) / 1000}
    time.sleep(15)  # what the beginning of recording still has to do, a batch included
    before = sample()
    machine.sh(f"sleep {IDLE_SECONDS}")
    after = sample()
    return {"seconds": IDLE_SECONDS} | {key: after[key] - before[key] for key in before}


class Reader:
    """A recorder under test: start(nodes), pids(), and finish(): what it says it has read."""

    def __init__(self, machine):
        self.machine = machine
        self.processes = []

    def pids(self):
        return [process.pid for process in self.processes]

    def start(self, nodes):
        self.machine.sh("rm -f /run/bench-out*")
        self.launch(nodes)
        for node in nodes:
            self.machine.wait_until(f"find {' '.join(f'/proc/{pid}/fd' for pid in self.pids())} -lname {node} | grep -q .",
                                    why=f"{self.name} to open {node}")
        time.sleep(2)

    def stop(self):
        for process in self.processes:
            process.kill(2)
        for process in self.processes:
            process.wait()
        found = self.count()
        self.processes = []
        return found


class Discard(Reader):
    name = "read and discard"

    def launch(self, nodes):
        self.processes = [self.machine.spawn("discard_reader " + " ".join(nodes))]

    def count(self):
        found = json.loads(self.processes[0].output().splitlines()[-1])
        return {"events": found["events"] - found["overruns"], "holes": found["overruns"]}


class Libinput(Reader):
    name = "libinput record"

    def launch(self, nodes):
        self.processes = [self.machine.spawn("libinput record -o /run/bench-out.yml " + " ".join(nodes))]

    def count(self):
        lines = int(self.machine.sh(r"grep -cE '^ *- \[ *[0-9]+, +[0-9]+, +[0-9]+, +[0-9]+, +-?[0-9]+\]' /run/bench-out.yml || true"))
        holes = int(self.machine.sh("grep -c SYN_DROPPED /run/bench-out.yml || true"))
        return {"events": lines, "holes": holes, "bytes": int(self.machine.sh("stat -c %s /run/bench-out.yml"))}


class Evemu(Reader):
    name = "evemu-record"

    def launch(self, nodes):
        self.processes = [self.machine.spawn(f"evemu-record {node} /run/bench-out{i}") for i, node in enumerate(nodes)]

    def count(self):
        lines = int(self.machine.sh("cat /run/bench-out* | grep -c '^E:' || true"))
        holes = int(self.machine.sh("cat /run/bench-out* | grep -cE '^E: [0-9.]+ 0000 0003' || true"))
        return {"events": lines - holes, "holes": holes, "bytes": int(self.machine.sh("cat /run/bench-out* | wc -c"))}


class CandorReader(Reader):
    name = "candord"

    def __init__(self, machine, candor):
        super().__init__(machine)
        self.candor = candor

    def pids(self):
        return [self.candor.pid()]

    def launch(self, nodes):
        self.machine.sh("systemctl start candord.service candor-shipper.service")
        self.machine.wait_until(lambda: self.candor.status()["recording"], why="the recording to begin")
        self.before = self.candor.status()["counters"]
        self.shipper_before = cpu_ns(self.machine, [self.candor.pid("candor-shipper")])

    def stop(self):
        after = self.candor.status()["counters"]
        shipper = cpu_ns(self.machine, [self.candor.pid("candor-shipper")]) - self.shipper_before
        # Away from the devices while others read them; the consent stays.
        self.machine.sh("systemctl stop candord.service candor-shipper.service")
        grown = {key: after[key] - self.before[key] for key in after}
        return {"events": grown["EventsStored"], "holes": grown["Gaps"], "shipper_ns": shipper, "counters": grown}


def play(machine, reader, mice, rate, seconds):
    """One reader, one load: CPU per event delivered, and what was lost of what was written."""
    machine.sh(f"rm -f {GO}; mkfifo {GO}")
    player = machine.spawn(f"uinput_player mice {mice} {rate} {seconds} <>{GO}")
    machine.wait_until(lambda: player.output().count("ready") == mice, why="the mice")
    machine.sh("udevadm settle")
    nodes = [line.split()[1] for line in player.output().splitlines() if line.startswith("ready")]
    reader.start(nodes)
    before = cpu_ns(machine, reader.pids())
    machine.sh(f"echo > {GO}")
    machine.wait_until(lambda: "all " in player.output(), seconds * 20 + 120, why="the end of the motion")
    time.sleep(BATCH_SECONDS + 3)  # what waits is handed on, and the last batch sealed
    used = cpu_ns(machine, reader.pids()) - before
    found = reader.stop()
    machine.sh(f"echo > {GO}")
    player.wait()
    reports, took = re.search(r"all (\d+) reports in ([\d.]+) s", player.output()).groups()
    written = 3 * int(reports)  # REL_X, REL_Y, SYN_REPORT
    return found | {"written": written, "took": float(took), "cpu_ns": used, "lost": written - found["events"],
                    "ns_per_event": used / max(1, found["events"])}


def load_table(machine, candor, load, rounds):
    readers = [Discard(machine), CandorReader(machine, candor), Libinput(machine), Evemu(machine)]
    runs = {reader.name: [] for reader in readers}
    for _ in range(rounds):
        for reader in readers:
            runs[reader.name].append(play(machine, reader, *load))
            print(f"  {load}: {reader.name}: {json.dumps(runs[reader.name][-1])}", file=sys.stderr, flush=True)
    rows = {}
    # The quietest round: what else the machine does can only add.
    bare = min(run["ns_per_event"] for run in runs[readers[0].name])
    for name, found in runs.items():
        rows[name] = {"ns_per_event": min(run["ns_per_event"] for run in found),
                      "lost": statistics.median(run["lost"] for run in found),
                      "holes": statistics.median(run["holes"] for run in found),
                      "written": statistics.median(run["written"] for run in found), "runs": found}
        rows[name]["ratio"] = rows[name]["ns_per_event"] / bare
    return rows


def print_report(report):
    rest = report["idle"]
    switches = rest["voluntary"] + rest["involuntary"]
    print(f"at rest, gate open, {rest['seconds']} s: {rest['voluntary']} voluntary and {rest['involuntary']} involuntary context "
          f"switches ({switches / rest['seconds']:.2f} a second; goal 0), {rest['cpu_us']:.0f} us of CPU")
    for when, key in (("gate closed", "memory_closed"), ("gate open, at rest", "memory_open"), ("after recording", "memory_after")):
        if key in report:
            found = report[key]
            parts = ", ".join(f"{kind} {size}" for kind, size in sorted(found["parts"].items()))
            print(f"memory, {when}: peak {found['peak']} KiB (goal 8192), resident {found['resident']} KiB ({parts}); "
                  f"private and dirty {found['private_dirty']} KiB")
    largest = list(report["memory_open"]["libraries"].items())[:8]
    print("largest libraries, resident KiB: " + ", ".join(f"{name} {size}" for name, size in largest))
    for load, rows in report["loads"].items():
        print(f"\n{load}\n\n| reader | CPU per event | lost of {rows['read and discard']['written']:.0f} | holes declared |\n| --- | ---: | ---: | ---: |")
        for name, row in rows.items():
            each = sorted(run["ns_per_event"] / 1000 for run in row["runs"])
            print(f"| {name} | {row['ratio']:.2f}× ({each[0]:.0f} to {each[-1]:.0f} µs) | {row['lost']:.0f} | {row['holes']:.0f} |")


def main():
    parser = argparse.ArgumentParser(description="What recording costs in the test machine.")
    parser.add_argument("--bin", required=True, type=pathlib.Path, help="the build folder")
    parser.add_argument("--rounds", type=int, default=3, help="of each reader under each load")
    parser.add_argument("--loads", default="", help="other loads: MICExRATExSECONDS,…")
    parser.add_argument("--json", type=pathlib.Path, help="where the figures go")
    options = parser.parse_args()
    loads = [tuple(int(part) for part in load.split("x")) for load in options.loads.split(",")] if options.loads else LOADS
    work = tempfile.mkdtemp(prefix="candor-bench-")
    machine = None
    try:
        machine = Machine.start(work)
        machine.install(options.bin)
        machine.put("/usr/local/bin/discard_reader", (options.bin / "bench" / "discard_reader").read_bytes(), 0o755)
        candor = Candor(machine, batch_seconds=BATCH_SECONDS, allow=MICE)
        report = {"memory_closed": memory(machine, candor.pid())}
        candor.grant()
        report["idle"] = idle(machine, candor.pid())
        report["memory_open"] = memory(machine, candor.pid())
        # A batch or two of ordinary work, for the memory of a stream.
        for step in range(200):
            machine.input.move(step % 9 - 4, 3 - step % 7, "virtio")
        time.sleep(BATCH_SECONDS + 3)
        report["memory_after"] = memory(machine, candor.pid())
        print(json.dumps(report), file=sys.stderr, flush=True)
        machine.sh("systemctl stop candord.service candor-shipper.service")
        report["loads"] = {f"{load[0]} × {load[1]} reports a second for {load[2]} s": load_table(machine, candor, load, options.rounds)
                           for load in loads}
    finally:
        if machine:
            machine.stop()
        shutil.rmtree(work, ignore_errors=True)
    print_report(report)
    print("\nCPU per event: of the quietest round, against the bare loop's; lost, holes: of the middle one. candord joins the holes of "
          "a batch into one.")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
