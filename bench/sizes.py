#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bytes on disk per kernel event, on recordings of people, beside what others would need: sizes.py --build BUILD [--data DIR]

The recordings are not part of the project (docs/benchmarks.md says which they are); without them this says so and ends with 77.
A kernel event is a struct input_event, SYN_REPORT included:
  mouse  one recorded position is REL_X, REL_Y or both, and SYN_REPORT; a click is MSC_SCAN, EV_KEY, SYN_REPORT; a wheel step is
         REL_WHEEL, REL_WHEEL_HI_RES, SYN_REPORT
  keys   each press or release is MSC_SCAN, EV_KEY, SYN_REPORT, as a USB keyboard reports it. The stamps of this set have the
         15.6 ms tick of its source's clock; noise of one tick is added, so that time costs what it would cost
"""
import argparse
import concurrent.futures
import json
import lzma
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SKIPPED = 77
GOALS = {"mouse": 0.9, "keys": 1.4}
EV_SYN, EV_KEY, EV_REL = 0, 1, 2
REL_X, REL_Y, REL_WHEEL = 0, 1, 8
BUTTONS = {0x110: "left", 0x111: "right", 0x112: "middle", 0x113: "x1", 0x114: "x2"}
CHUNK = 1 << 20

# Of a row: its key in the results and what the table calls it.
ROWS = [("candor", "**Candor, sealed segments**"),
        ("columns_zstd19", "the same, columns through zstd -19"),
        ("columns_zstd3", "the same, columns through zstd -3"),
        ("raw", "struct input_event"),
        ("raw_zstd3", "whole session, `zstd -3`"),
        ("raw_zstd19", "whole session, `zstd -19`"),
        ("raw_xz9e", "whole session, `xz -9e`"),
        ("owa_json_zstd3", "OWAMcap messages as JSON lines, `zstd -3`"),
        ("owa_json_zstd19", "OWAMcap messages as JSON lines, `zstd -19`"),
        ("owa_mcap", "OWAMcap file (MCAP, zstd chunks, index)")]


def zstd(data, level):
    return len(subprocess.run(["zstd", f"-{level}", "-c", "-q", "--single-thread"], input=data, capture_output=True, check=True).stdout)


def messages(events):
    """What OWAMcap records of these events: (time in ns, message); its positions are absolute, its keys Windows' codes."""
    x, y = 960, 540
    moved = False
    for t_us, kind, code, value in events:
        if kind == EV_REL and code in (REL_X, REL_Y):
            x, y = (x + value, y) if code == REL_X else (x, y + value)
            moved = True
        elif kind == EV_SYN and moved:
            moved = False
            yield t_us * 1000, {"event_type": "move", "x": x, "y": y}
        elif kind == EV_REL and code == REL_WHEEL:
            yield t_us * 1000, {"event_type": "scroll", "x": x, "y": y, "dx": 0, "dy": value}
        elif kind == EV_KEY and code in BUTTONS:
            yield t_us * 1000, {"event_type": "click", "x": x, "y": y, "button": BUTTONS[code], "pressed": value == 1}
        elif kind == EV_KEY:
            yield t_us * 1000, {"event_type": "press" if value else "release", "vk": 8 + code % 240}


def compact(message):
    return json.dumps(message, separators=(",", ":")).encode()


def mcap(pairs):
    """Bytes of its message records in chunks of 1 MiB through zstd at its default level, and of their index (16 a message)."""
    size, count, chunk = 0, 0, bytearray()
    for time_ns, message in pairs:
        data = struct.pack("<HIQQ", 1, count, time_ns, time_ns) + compact(message)
        chunk += struct.pack("<BQ", 5, len(data)) + data
        count += 1
        if len(chunk) >= CHUNK:
            size += zstd(bytes(chunk), 3)
            chunk.clear()
    return size + zstd(bytes(chunk), 3) + 16 * count


def ours(build, program, path, *arguments):
    result = subprocess.run([str(build / "bench" / program), path, *arguments], capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"{program}: {result.stderr.strip()}")
    return json.loads(result.stdout)


def measure(build, raw, events):
    with tempfile.NamedTemporaryFile(prefix="candor-trace-") as trace:
        trace.write(raw)
        trace.flush()
        segments = ours(build, "segment_size", trace.name)
        sizes = {"candor": segments["bytes"],
                 "columns_zstd19": ours(build, "columns_zstd", trace.name, "19", "one")["bytes"],
                 "columns_zstd3": ours(build, "columns_zstd", trace.name, "3", "one")["bytes"]}
    pairs = list(messages(events))
    lines = b"".join(compact(dict(message, timestamp=time_ns)) + b"\n" for time_ns, message in pairs)
    sizes |= {"raw": len(raw), "raw_zstd3": zstd(raw, 3), "raw_zstd19": zstd(raw, 19),
              "raw_xz9e": len(lzma.compress(raw, preset=9 | lzma.PRESET_EXTREME)),
              "owa_json_zstd3": zstd(lines, 3), "owa_json_zstd19": zstd(lines, 19), "owa_mcap": mcap(pairs)}
    return {"events": len(events), "messages": len(pairs), "seconds": (events[-1][0] - events[0][0]) / 1e6,
            "batches": segments["batches"], "segments": segments["segments"], "sizes": sizes}


def sessions(datasets, name):
    if name == "mouse":
        for _, _, events in datasets.mauth():
            yield datasets.evdev(events)
    else:
        for _, _, events in datasets.bbmas():
            yield datasets.evdev(events, grid_us=15600)


def summary(results):
    events = sum(result["events"] for result in results)
    rows = {}
    for key, _ in ROWS:
        each = sorted(result["sizes"][key] / result["events"] for result in results)
        rows[key] = {"per_event": sum(result["sizes"][key] for result in results) / events,
                     "median": statistics.median(each), "best": each[0], "worst": each[-1]}
    sums = {key: sum(result[key] for result in results) for key in ("messages", "seconds", "batches", "segments")}
    return {"sessions": len(results), "events": events, **sums, "rows": rows}


def find_data(given):
    folder = given or pathlib.Path(os.environ.get("CANDOR_RECORDINGS", ROOT / "data"))
    return folder if (folder / "datasets.py").exists() else None


def print_table(found):
    names = list(found)
    for name in names:
        part = found[name]
        print(f"{name}: {part['sessions']} sessions, {part['seconds'] / 3600:.1f} h, {part['events']} kernel events "
              f"({part['messages']} OWAMcap messages), {part['batches']} batches, {part['segments']} segments")
    print("\n| bytes per kernel event | " + " | ".join(f"{name} | median, worst session" for name in names) + " |")
    print("| --- |" + " ---: | ---: |" * len(names))
    for key, title in ROWS:
        cells = []
        for name in names:
            row = found[name]["rows"][key]
            cells.append(f"{row['per_event']:.2f} | {row['median']:.2f}, {row['worst']:.2f}")
        print(f"| {title} | " + " | ".join(cells) + " |")
    for name in names:
        got = found[name]["rows"]["candor"]["per_event"]
        print(f"goal for {name}: {GOALS[name]} or less; {got:.3f}: {'kept' if got <= GOALS[name] else 'missed'}")


def main():
    parser = argparse.ArgumentParser(description="Bytes on disk per kernel event.")
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, help="the folder with datasets.py")
    parser.add_argument("--limit", type=int, default=0, help="sessions of each set, 0: all")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=pathlib.Path, help="where the figures go")
    options = parser.parse_args()
    folder = find_data(options.data)
    if folder is None:
        print("skipped: no recordings here (docs/benchmarks.md says which these are); give their folder with --data or in CANDOR_RECORDINGS")
        return SKIPPED
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    import datasets
    found = {}
    for name in GOALS:
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            waiting = []
            results = []
            for number, events in enumerate(sessions(datasets, name)):
                if options.limit and number == options.limit:
                    break
                waiting.append(pool.submit(measure, options.build, datasets.to_bin(events), events))
                while len(waiting) > options.jobs:  # so that not all of the set is in memory at once
                    results.append(waiting.pop(0).result())
                    if sys.stderr.isatty():
                        print(f"{name}: {len(results)} sessions", end="\r", file=sys.stderr, flush=True)
            results += [work.result() for work in waiting]
        found[name] = summary(results)
    print_table(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
