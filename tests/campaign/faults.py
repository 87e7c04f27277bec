#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the disk, the lake, the peer or the clock fail: faults.py --build BUILD [--only NAME …] [--long] [--seed N]

After each fault everything that was produced is stored once or declared, no process has ended by itself, and the recorder was told how shipping
went. Exit status 1 when one of them does not hold.
"""
import argparse
import concurrent.futures
import random
import signal
import subprocess
import sys

from harness import Violation, World, compare, require

YEAR = 365 * 24 * 3600
SCENARIOS = {}
# Fills in about a second when nobody takes frames.
BUSY = {"rate": 20000, "ring": 256 << 10, "flush_ms": 50}


def scenario(**options):
    def register(function):
        SCENARIOS[function.__name__] = (function, options)
        return function
    return register


def recovered(world):
    return world.reports() and world.reports()[-1] == "shipping"


def ail(world, state, *lines, seconds=2.0):
    """The disk is unwell until the state has been told, and some seconds longer; then shipping goes on by itself."""
    world.wait_for("shipping", lambda: recovered(world))
    world.run(0.5)
    told = len(world.reports())
    world.faults(*lines)
    world.wait_for(f"the state {state}", lambda: state in world.reports()[told:], 40)
    world.run(seconds * world.patience)
    world.faults()
    world.wait_for("shipping again", lambda: recovered(world), 150)
    world.run(0.5)


def refuses(figures):
    require(figures["refused"] > 0, "the ring was to fill, and nothing was refused")


@scenario(faults=["shipper"], **BUSY)
def spool_full(world):
    """The spool's disk is full: candord's ring fills, refuses, and counts"""
    ail(world, "refusing", f"call=open,write,mkdir path={world.spool} errno=ENOSPC", seconds=4)
    return refuses


@scenario(faults=["shipper"], **BUSY)
def spool_full_in_the_middle(world):
    """The spool's disk takes some more bytes of every record before it is full"""
    ail(world, "refusing", f"call=write path={world.spool} short=100 count=1", f"call=write path={world.spool} errno=ENOSPC after=1")


@scenario(faults=["shipper"])
def spool_sync_fails(world):
    """fdatasync and fsync of the spool fail"""
    ail(world, "refusing", f"call=fdatasync,fsync path={world.spool} errno=EIO")


@scenario(faults=["shipper"])
def spool_write_fails(world):
    """Writing into the spool fails"""
    ail(world, "refusing", f"call=write path={world.spool} errno=EIO")


@scenario(faults=["shipper"])
def spool_read_only(world):
    """The spool is remounted read-only"""
    ail(world, "refusing", f"call=open,write,rename,link,unlink,mkdir,truncate path={world.spool} errno=EROFS")


@scenario(faults=["shipper"], flush_ms=50)
def spool_rename_fails(world):
    """Finished segments cannot be renamed, and some deletions fail"""
    ail(world, "refusing", f"call=rename path={world.spool} errno=EIO", f"call=unlink path={world.spool} errno=EIO count=2")


@scenario(faults=["shipper"], started=False)
def spool_read_only_at_start(world):
    """The shipper starts while its spool is read-only, and goes on by itself later"""
    world.faults(f"call=open,write,rename,link,unlink,mkdir,truncate path={world.spool} errno=EROFS")
    world.start()
    world.wait_for("the state refusing", lambda: "refusing" in world.reports(), 40)
    world.run(world.patience)
    world.faults()
    world.wait_for("shipping", lambda: recovered(world), 150)


@scenario(faults=["shipper"])
def lake_full(world):
    """The lake's disk is full"""
    ail(world, "stalled", f"call=open,write,mkdir path={world.lake} errno=ENOSPC")


@scenario(faults=["shipper"])
def lake_sync_fails(world):
    """fsync and rename in the lake fail"""
    ail(world, "stalled", f"call=fsync,fdatasync,rename path={world.lake} errno=EIO")


@scenario(faults=["shipper"])
def lake_read_only(world):
    """The lake is remounted read-only"""
    ail(world, "stalled", f"call=open,write,rename,link,unlink,mkdir path={world.lake} errno=EROFS")


@scenario(started=False)
def lake_missing_at_start(world):
    """The shipper starts while the lake is not mounted"""
    away = world.lake.with_name("away")
    world.lake.rename(away)
    world.start()
    world.wait_for("the state stalled", lambda: "stalled" in world.reports(), 40)
    world.run(world.patience)
    require(not world.lake.exists(), "the shipper made a lake where none was mounted")
    away.rename(world.lake)
    world.wait_for("shipping", lambda: recovered(world), 150)


@scenario()
def lake_vanishes(world):
    """The lake's folder goes away and comes back"""
    world.wait_for("shipping", lambda: recovered(world))
    away = world.lake.with_name("away")
    world.run(0.5)
    told = len(world.reports())
    world.lake.rename(away)
    world.wait_for("the state stalled", lambda: "stalled" in world.reports()[told:], 40)
    world.run(2 * world.patience)
    require(not world.lake.exists(), "the shipper made a lake where none was mounted")
    away.rename(world.lake)
    world.wait_for("shipping again", lambda: recovered(world), 150)


@scenario(faults=["shipper"])
def lake_slow(world):
    """Everything in the lake takes its time"""
    world.faults(f"call=open,write,fsync,rename path={world.lake} delay_ms=60")
    world.run(4 * world.patience)
    world.faults()


@scenario(faults=["shipper"])
def spool_slow(world):
    """Every sync of the spool takes a while"""
    world.faults(f"call=fdatasync,fsync path={world.spool} delay_ms=150")
    world.run(4 * world.patience)
    world.faults()


@scenario(faults=["shipper", "recorder"])
def short_writes(world):
    """No write takes more than 7 bytes at once"""
    world.faults(f"call=write path={world.folder} short=7")
    world.run(3 * world.patience)
    world.faults()


@scenario(**BUSY)
def shipper_stands_still(world):
    """The shipper is stopped until candord's ring is full, and goes on"""
    world.run(0.5)
    world.shipper.signal(signal.SIGSTOP)
    world.run(4 * world.patience)
    world.shipper.signal(signal.SIGCONT)
    world.run(1)
    return refuses


@scenario()
def recorder_stands_still(world):
    """candord is stopped for a while"""
    for _ in range(3):
        world.run(0.4)
        world.recorder.signal(signal.SIGSTOP)
        world.run(0.7 * world.patience)
        world.recorder.signal(signal.SIGCONT)


@scenario(faults=["shipper", "recorder"], embargo=1)
def clock_steps(world):
    """The wall clock is set a year ahead, a year back, and right again"""
    for seconds in (YEAR, -YEAR, 0, -YEAR, YEAR):
        world.faults(f"clock_s={seconds}")
        world.run(1.2 * world.patience)
    world.faults()
    world.run(1)


def fail_ledger(world, *lines):
    """A stream ends meanwhile, and no other can begin."""
    world.run(0.5)
    world.faults(*lines)
    world.recorder.signal(signal.SIGUSR1)
    world.run(3 * world.patience)
    require("ledger: " in world.recorder.last_words(50), "the recorder does not say why it opens no stream")
    world.faults()
    world.run(1)
    return refuses


@scenario(faults=["recorder"])
def state_full(world):
    """candord cannot write its ledger: it opens no stream, and says how much it refused"""
    return fail_ledger(world, f"call=open,write path={world.state} errno=ENOSPC")


@scenario(faults=["recorder"])
def state_sync_fails(world):
    """candord's ledger cannot be made durable"""
    return fail_ledger(world, f"call=fsync,fdatasync,rename path={world.state} errno=EIO")


@scenario(faults=["shipper"])
def shipper_dies_unwell(world):
    """The shipper is killed again and again while its disk fails it now and then"""
    chance = random.Random(1)
    for _ in range(6 * world.patience):
        call = chance.choice(["open", "write", "fdatasync", "fsync", "rename", "unlink"])
        place, error = chance.choice([world.spool, world.lake]), chance.choice(["ENOSPC", "EIO"])
        world.faults(f"call={call} path={place} errno={error} after={chance.randrange(20)} count=3")
        world.run(chance.uniform(0.2, 1))
        world.shipper.kill()
        world.start_shipper()
    world.faults()


@scenario(exact=False, **BUSY)
def recorder_dies_full(world):
    """candord is killed while its ring is full and refuses"""
    for _ in range(2 * world.patience):
        world.run(0.5)
        world.shipper.signal(signal.SIGSTOP)
        world.run(2.5)
        world.kill_recorder()
        world.start_recorder()
        world.run(0.5)
        world.shipper.signal(signal.SIGCONT)
        world.run(1)
    return refuses


@scenario(long=True, rate=60000, ring=1 << 20, flush_ms=20, spool_bytes="16M")
def spool_at_its_bound(world):
    """The lake is away until the spool has all that it may hold"""
    world.wait_for("shipping", lambda: recovered(world))
    away = world.lake.with_name("away")
    world.lake.rename(away)
    world.wait_for("the state refusing", lambda: "refusing" in world.reports(), 300)
    world.run(5)
    size = sum(path.stat().st_size for path in world.spool.iterdir() if path.is_file())
    require(size <= 17 << 20, f"the spool holds {size} bytes, bounded by 16M")
    away.rename(world.lake)
    world.wait_for("shipping again", lambda: recovered(world), 150)
    world.run(1)
    return refuses


def play(name, options):
    function, settings = SCENARIOS[name]
    settings = dict(settings)
    started, exact = settings.pop("started", True), settings.pop("exact", True)
    settings.pop("long", None)
    with World(options.build, seed=options.seed, keep=options.keep, **settings) as world:
        world.patience = 8 if options.long else 1
        if started:
            world.start()
        further = function(world)
        world.faults()
        world.stop(150)
        world.verify()
        figures = compare(world, exact_refusals=exact, torn=True)
        if further:
            further(figures)
        states = [state for state, before in zip(world.reports(), ["", *world.reports()]) if state != before]
        print(f"   {name:<26} {figures['produced']:>7} packets {figures['stored']:>8} events stored {figures['declared']:>7} declared "
              f"{2 * figures['refused']:>7} of them refused   {' '.join(states)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Makes what the services stand on fail.")
    parser.add_argument("--build", required=True, help="the build folder")
    parser.add_argument("--only", action="append", choices=sorted(SCENARIOS), help="this one (can be repeated)")
    parser.add_argument("--long", action="store_true", help="faults last eight times as long")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    parser.add_argument("--keep", action="store_true", help="keep the folders")
    options = parser.parse_args()
    names = options.only or [name for name, (_, settings) in SCENARIOS.items() if options.long or not settings.get("long")]
    if len(names) == 1:
        try:
            play(names[0], options)
        except Violation as violation:
            print(f"violated by {names[0]} (seed {options.seed}): {violation}", flush=True)
            return 1
        return 0
    print(f"seed {options.seed}", flush=True)

    def apart(name):
        flags = [flag for flag in ("--long", "--keep") if getattr(options, flag[2:])]
        command = [sys.executable, __file__, "--build", options.build, "--only", name, "--seed", str(options.seed), *flags]
        return name, subprocess.run(command, capture_output=True, text=True)

    failed = []
    # They mostly wait: a few at once, each in a process of its own.
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for name, result in pool.map(apart, names):
            print(result.stdout + result.stderr, end="", flush=True)
            if result.returncode != 0:
                failed.append(name)
    print(f"{len(names) - len(failed)} passed, {len(failed)} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
