#!/usr/bin/env python3
"""Looks for costs that spend the measured CPU time: the `FITTED` ones of costs.py, by chance, a little at a time.

    bench/scaling/fit.py --rounds 60 --seed 3

Each round changes the costs of every kind of process, runs all measured runs, and keeps the changes of those
kinds that came nearer to their measured CPU time. It prints what it found; costs.py is written by hand.
"""
import argparse
import math
import random
from dataclasses import replace

import costs
import scaling

CHANGED = .6  # share of the costs that a round changes
WIDTH = .2  # by about so much


def kind_of(name):
    """The process whose CPU time a cost is."""
    first, second = name.split(".")
    owner = second if first == "wake" else first
    return "ws-gateway" if owner == "gateway" else owner


def errors(seed):
    """How far each kind is from its measured CPU time: the sum over the runs of the squared logarithm."""
    found = dict.fromkeys(scaling.KINDS, 0.0)
    for name, run in costs.RUNS.items():
        seen = scaling.check_one(name, seed, 1.5)
        for kind, measured in run["cpu"].items():
            found[kind] += math.log(seen["cpu"][kind] / seen["rate"] * 1000 / measured) ** 2
    return found


def search(rounds, seed):
    chance = random.Random(seed)
    best, kept = errors(1), dict(costs.COSTS)
    for _ in range(rounds):
        for name, cost in kept.items():
            if cost.kind == costs.FITTED and chance.random() < CHANGED:
                costs.COSTS[name] = replace(cost, value=cost.value * math.exp(chance.gauss(0, WIDTH)))
        found = errors(1)
        for name in kept:
            if found.get(kind_of(name), math.inf) < best.get(kind_of(name), 0):
                kept[name] = costs.COSTS[name]
        best = {kind: min(error, found[kind]) for kind, error in best.items()}
        costs.COSTS.update(kept)
    return best, kept


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    best, found = search(options.rounds, options.seed)
    for kind, error in best.items():
        print(f"{kind}: {error:.3f}")
    for name, cost in found.items():
        if cost.kind == costs.FITTED:
            print(f"{name}: {cost.value:.2g}")


if __name__ == "__main__":
    main()
