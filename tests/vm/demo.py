#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole way in one go: demo.py --bin BUILD --out FOLDER

Boots the test machine, lets a simulated person read the notice, consent and work, and opens what was sealed.
"""
import argparse
import collections
import io
import json
import pathlib
import shutil
import signal
import sys
import tarfile
import tempfile
import time

from candor import KEY, LAKE, Candor, Dump
from input import perform
from machine import Machine
from person import work
from witness import Witness

TEXT = "Dear reader, this was typed on two keyboards at once, while two mice drew spirals. Nobody saw it: it was sealed at the source. "


def say(text):
    print(f"== {text}", flush=True)


def summarise(dump, verified):
    """Events by device and type, bytes per event, gaps: as text and as a dict."""
    totals = verified["totals"]
    by_type = collections.Counter()
    for line in dump.kinds("event"):
        by_type[dump.names[line["stream"], line["device"]], line["type"]] += 1
    gaps = collections.Counter(gap["reason"] for gap in dump.kinds("gap"))
    summary = {"streams": totals["streams"], "events": totals["events"], "bytes": totals["bytes"],
               "bytes_per_event": round(totals["bytes"] / totals["events"], 2), "produced": totals["produced"],
               "stored": totals["stored"], "declared_lost": totals["declared"], "gaps": dict(gaps),
               "events_by_device_and_type": {f"{name}: {kind}": count for (name, kind), count in sorted(by_type.items())}}
    lines = [f"{summary['events']} events in {summary['streams']} sealed segment(s), {summary['bytes']} bytes: "
             f"{summary['bytes_per_event']} bytes an event (the kernel's own records take 24)",
             f"produced {summary['produced']} = stored {summary['stored']} + declared lost {summary['declared_lost']}; "
             f"gaps: {', '.join(f'{count} {reason}' for reason, count in gaps.items()) or 'none'}", ""]
    width = max(map(len, summary["events_by_device_and_type"]))
    lines += [f"{name:<{width}}  {count:>6}" for name, count in summary["events_by_device_and_type"].items()]
    return summary, "\n".join(lines) + "\n"


def fetch(machine, folder, out):
    """Copies a folder of the guest."""
    machine.sh(f"tar -C {folder} -cf /root/fetch.tar .")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(machine.get("/root/fetch.tar"))) as tar:
        for entry in tar:
            if entry.isfile():
                target = out / entry.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(tar.extractfile(entry).read())


def demonstrate(machine, out):
    candor = Candor(machine)
    say(f"installed and running; without consent candord has {len(candor.open_input())} input devices open")
    notice = machine.sh("candorctl notice", user="person")
    (out / "notice.txt").write_text(notice)
    say(f"the person reads the notice ({len(notice.splitlines())} lines) and says yes: candorctl consent grant --level full; a scripted "
        "helper vouches that no secret is typed")
    candor.grant("full")
    say(f"candord has opened {', '.join(candor.open_input())}")
    say("the person types and draws for about 20 seconds, on four devices at once")
    with Witness(machine) as witness:
        scripts, sent = work(TEXT * 2, 1300)
        perform(machine.qemu, scripts, witness)
        witness.wait_for({name: len(events) for name, events in sent.items()})
        candor.settle()
        say(f"the person says no more: candorctl consent revoke; {len(candor.open_input())} input devices are open")
        dump = Dump(candor.dump())
        delivered = sum(len(witness.events(name)) for name in witness.nodes)
    verified = candor.verify()
    summary, text = summarise(dump, verified)
    fetch(machine, LAKE, out / "lake")
    (out / "recipient.key").touch(mode=0o600)
    (out / "recipient.key").write_bytes(machine.get(KEY))
    (out / "events.jsonl").write_bytes(machine.get("/root/dump.jsonl"))
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    (out / "summary.txt").write_text(text)
    assert summary["events"] == delivered, f"{summary['events']} events came out, the kernel had delivered {delivered}"
    print("\n" + text, flush=True)
    for path in sorted((out / "lake").rglob("*.candor")):
        say(f"sealed segment:  {path}")
    say(f"opened events:   {out / 'events.jsonl'} (with the recipient's key, {out / 'recipient.key'})")
    say(f"summary:         {out / 'summary.txt'}")


def main():
    parser = argparse.ArgumentParser(description="Shows Candor at work in the test machine.")
    parser.add_argument("--bin", required=True, type=pathlib.Path, help="the build folder")
    parser.add_argument("--out", required=True, type=pathlib.Path)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    options.out.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="candor-vm-") as folder:
        say("starting the test machine (the first time it is built: a few minutes)")
        machine = Machine.start(folder)
        try:
            machine.install(options.bin)
            demonstrate(machine, options.out)
        finally:
            machine.stop()
    say(f"done in {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
