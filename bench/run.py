#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All benchmarks, one after the other: run.py --build BUILD [--bin BUILD] [--data DIR] [--only PART] [--out DIR]

Parts: codec (throughput), memory (of an open stream), month (memory and accounts of a month of work), sizes (needs recordings of people, see
docs/benchmarks.md), guest (needs QEMU). What is not possible here is skipped with its reason; a part that fails makes the whole fail.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SKIPPED = 77
PARTS = ("codec", "memory", "month", "sizes", "guest")


def command(part, options):
    """What runs the part, or a string: why it cannot."""
    program = {"codec": "codec_bench", "memory": "model_size", "month": "month", "sizes": "columns_zstd", "guest": "discard_reader"}[part]
    if not (options.build / "bench" / program).exists():
        return f"{program} is not built" + ("; it needs libbenchmark-dev and -Dbenchmarks=enabled" if part == "codec" else "")
    if part == "codec":
        return [options.build / "bench" / program]
    if part == "memory":
        return [options.build / "bench" / program]
    if part == "month":
        return [options.build / "bench" / program, options.bin / "shipper" / "candor-shipper"]
    if part == "sizes":
        if not shutil.which("zstd"):
            return "zstd is not installed"
        data = ["--data", options.data] if options.data else []
        return [sys.executable, HERE / "sizes.py", "--build", options.build, "--json", options.out / "sizes.json", *data]
    missing = [tool for tool in ("qemu-system-x86_64", "mmdebstrap", "mkfs.ext4", "meson") if not shutil.which(tool)]
    if missing:
        return f"{', '.join(missing)} not installed"
    return [sys.executable, HERE / "guest.py", "--bin", options.bin, "--json", options.out / "guest.json"]


def main():
    parser = argparse.ArgumentParser(description="Runs the benchmarks.")
    parser.add_argument("--build", required=True, type=pathlib.Path, help="the build folder")
    parser.add_argument("--bin", type=pathlib.Path, help="the build folder that is installed in the guest; default: the same")
    parser.add_argument("--data", type=pathlib.Path, help="the folder of the recordings")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part (can be repeated)")
    parser.add_argument("--out", type=pathlib.Path, default="out/bench", help="where figures are kept as JSON")
    options = parser.parse_args()
    options.bin = options.bin or options.build
    options.out.mkdir(parents=True, exist_ok=True)
    failed = []
    for part in options.only or PARTS:
        print(f"\n== {part}", flush=True)
        what = command(part, options)
        if isinstance(what, str):
            print(f"skipped: {what}", flush=True)
            continue
        result = subprocess.run([os.fspath(word) for word in what])
        if result.returncode not in (0, SKIPPED):
            failed.append(part)
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
