#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts test cases: tests/count_cases.py TESTLOG.json STATUS

Reads what `meson test` left in TESTLOG.json; STATUS is its exit status. Prints `PASSED FAILED SKIPPED` on standard output
and what failed, and why what was skipped, on standard error. A Catch2 program counts as its test cases, any other as one. A program that crashes,
hangs, or leaves no result counts as a failure whatever it printed before, and so does a run without any test.
"""
import json
import pathlib
import re
import sys

ALL_PASSED = re.compile(r"^All tests passed \(.* in (\d+) test cases?\)$")
TEST_CASES = re.compile(r"^test cases: +(\d.*)$")
# Catch2 2.x cannot skip: a case that cannot run warns so, and ends.
SKIPPED = re.compile(r"^ +skipped: (.+)$", re.M)
PLAIN = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")


def cases(output):
    """(passed, failed, skipped) by the last summary in a program's output; None when it has none."""
    for line in reversed(output.splitlines()):
        line = line.strip()
        if match := ALL_PASSED.match(line):
            return int(match[1]), 0, 0
        if match := TEST_CASES.match(line):
            # `7 | 5 passed | 1 failed | 1 failed as expected`; Catch2 3.x may add `| 1 skipped`.
            counts = {}
            for part in match[1].split("|"):
                number, _, word = part.strip().partition(" ")
                counts[word or "all"] = int(number)
            return counts.get("passed", 0) + counts.get("failed as expected", 0), counts.get("failed", 0), counts.get("skipped", 0)
        if match := PLAIN.match(line):
            return int(match[1]), int(match[2]), int(match[3] or 0)
    return None


def is_catch2(test):
    program = pathlib.Path(test["command"][0])
    return program.is_file() and b"5Catch" in program.read_bytes()


def count(test):
    result = test["result"]
    counted = cases(test.get("stdout") or "")
    if result in ("SKIP", "EXPECTEDFAIL"):
        return counted or (0, 0, 1)
    if result == "OK":
        # A Catch2 program that ends well without a summary, or without a case, did not do its work.
        passed, failed, skipped = counted or ((0, 0, 0) if is_catch2(test) else (1, 0, 0))
        return passed, failed + (passed + failed + skipped == 0), skipped
    if counted is None:
        return 0, 1, 0
    passed, failed, skipped = counted
    only_skipped = skipped > 0 and passed == 0 and failed == 0 and test.get("returncode") == 4
    return passed, max(failed, 0 if only_skipped else 1), skipped


def main():
    path, status = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    total = [0, 0, 0]
    if path.exists():
        for line in path.read_text().splitlines():
            test = json.loads(line)
            counted = count(test)
            reasons = SKIPPED.findall(test.get("stdout") or "")
            counted = (counted[0] - len(reasons), counted[1], counted[2] + len(reasons)) if counted[0] >= len(reasons) else counted
            for reason in sorted(set(reasons)):
                print(f"    {test['name']}: {reasons.count(reason)} skipped: {reason}", file=sys.stderr)
            total = [a + b for a, b in zip(total, counted)]
            if counted[1]:
                print(f"--- {test['name']}: {test['result']}, status {test.get('returncode')}", file=sys.stderr)
                for stream in ("stdout", "stderr"):
                    print("\n".join((test.get(stream) or "").splitlines()[-100:]), file=sys.stderr)
    if sum(total) == 0:
        print("--- no test ran", file=sys.stderr)
        total[1] = 1
    if status != 0 and total[1] == 0 and total[2] == 0:
        print(f"--- meson test ended with {status}", file=sys.stderr)
        total[1] = 1
    print(*total)


if __name__ == "__main__":
    main()
