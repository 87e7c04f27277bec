#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills the recorder, the shipper or both at random moments: campaign.py --build BUILD [--kills N] [--seed N] [--power-losses PERCENT]

Every --every kills all is stopped in order and the lake compared with what was produced: verify holds; everything sealed is stored once; what is missing
is declared, and is one unsealed batch a kill of the recorder at most. Ends with a table; the first violation ends it with words and exit status 1.
"""
import argparse
import random
import sys
import time

from harness import Violation, World, compare

TARGETS = ("recorder", "shipper", "both", "power")


def strike(world, target, chance):
    """Kills, waits a little and starts again what died, in any order."""
    world.watch()
    if target == "power":
        world.lose_power()
    else:
        order = ["recorder", "shipper"] if target == "both" else [target]
        chance.shuffle(order)
        for each in order:
            world.kill_recorder(target) if each == "recorder" else world.shipper.kill()
    starts = {"recorder": [world.start_recorder], "shipper": [world.start_shipper]}.get(target, [world.start_recorder, world.start_shipper])
    chance.shuffle(starts)
    for start in starts:
        time.sleep(chance.choice([0, chance.uniform(0, 0.05)]))
        start()


def settle(world):
    world.stop()
    report = world.verify()
    return compare(world), report


def table(kills, figures):
    missing = dict.fromkeys(TARGETS, 0)
    for run in figures["tails"]:
        missing[run.target] += 1
    rows = [("target", "kills", "batches missing"), *((target, kills[target], missing[target]) for target in TARGETS if kills[target])]
    lines = [f"   {a:<10} {b:>6} {c:>16}" for a, b, c in rows]
    return "\n".join([*lines, "   " + ", ".join(f"{figures[name]} {text}" for name, text in (
        ("frames", "frames"), ("streams", "streams"), ("crashed", "ended by a successor"), ("notes", "notes"), ("produced", "packets produced"),
        ("stored", "events stored"), ("declared", "events declared"), ("without_memory", "packets lost with the memory"))) + "; verify: holds"])


def main():
    parser = argparse.ArgumentParser(description="Kills the services many times.")
    parser.add_argument("--build", required=True, help="the build folder")
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    parser.add_argument("--every", type=int, default=50, help="kills between two comparisons")
    parser.add_argument("--power-losses", type=int, default=10, help="percent of the kills that take the memory with them")
    parser.add_argument("--rate", type=int, default=1500, help="packets a second")
    parser.add_argument("--longest", type=float, default=1.2, help="seconds between two kills")
    parser.add_argument("--embargo", type=int, default=0, help="seconds that a segment waits in the spool")
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    chance = random.Random(options.seed)
    kills = dict.fromkeys(TARGETS, 0)
    begun = time.monotonic()
    try:
        with World(options.build, seed=options.seed, rate=options.rate, flush_ms=60, embargo=options.embargo, keep=options.keep) as world:
            world.start()
            for number in range(1, options.kills + 1):
                world.run(chance.uniform(0, options.longest) * chance.choice([0.1, 1]))
                target = "power" if chance.randrange(100) < options.power_losses else chance.choice(TARGETS[:3])
                strike(world, target, chance)
                kills[target] += 1
                if number % options.every == 0 and number < options.kills:
                    figures, _ = settle(world)
                    print(f"   {number} kills, {time.monotonic() - begun:.0f} s: {figures['streams']} streams, verify holds", flush=True)
                    world.start()
            world.run(0.5)
            figures, _ = settle(world)
            print(table(kills, figures), flush=True)
    except Violation as violation:
        print(f"violated (seed {options.seed}, kills so far {kills}): {violation}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
