#!/usr/bin/env python3
"""Past one machine: a capacity table, and a simulation of the queues (docs/SCALING.md).

    bench/scaling/scaling.py --table [--sockets N --rate M] [--people K] [--per-thread R]
    bench/scaling/scaling.py --check      the simulation of one machine beside what was measured there
    bench/scaling/scaling.py --simulate   that, the steps to a million sockets, and what if; keeps the figures in
                                          results.json; some minutes
    bench/scaling/scaling.py --write      writes the tables into docs/SCALING.md

`--seed` (1) is the only chance in it: the same seed gives the same figures. Python 3, nothing else.
"""
import argparse
import json
import os
import pathlib
from concurrent.futures import ProcessPoolExecutor

import costs
import growth
import model
import what_if
from simulation import Fleet, Load, simulate

HERE = pathlib.Path(__file__).resolve().parent
RESULTS = HERE / "results.json"
DOCUMENT = HERE.parent.parent / "docs" / "SCALING.md"
KINDS = ["ws-gateway", "persistence", "fanout", "rabbitmq", "mongod", "redis"]


def rows(*lines):
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def check_one(name, seed, seconds=4.0):
    """One machine under the load of a measured run."""
    run = costs.RUNS[name]
    load = Load(rate=run.get("offered", 0), in_flight=run.get("in_flight", 0), threads=run["threads"],
                sockets=2 * run["threads"], seconds=seconds, warm_up=1.5)
    return vars(simulate(Fleet(shards=run["shards"], one_machine=2), load, seed))


def check(seed):
    return {name: check_one(name, seed) for name in costs.RUNS}


def simulate_all(seed, jobs):
    """Every figure of the document, several runs beside each other; each depends on its seed only."""
    before, after = growth.tasks(seed)
    with ProcessPoolExecutor(jobs) as pool:
        checks = [pool.submit(check_one, name, seed) for name in costs.RUNS]
        # The largest first: they take longest.
        afters = {n: pool.submit(growth.run, *task) for n, task in reversed(after.items())}
        befores = {n: pool.submit(growth.run, *task) for n, task in reversed(before.items())}
        answers = [pool.submit(growth.run, *task) for task in what_if.tasks(seed)]
        of = lambda runs: {n: run.result() for n, run in runs.items()}
        return {"seed": seed, "check": {name: run.result() for name, run in zip(costs.RUNS, checks)},
                "growth": growth.together(of(befores), of(afters)), "what_if": [answer.result() for answer in answers]}


def off(seen, measured):
    return f"{100 * (seen / measured - 1):+.0f} %"


def pair(measured, seen, form):
    return f"{form.format(measured)} / {form.format(seen)} ({off(seen, measured)})"


def check_table(found):
    lines = [["load", "messages/s", "p50, ms", "p99, ms"], ["---"] + ["---:"] * 3]
    for name, run in costs.RUNS.items():
        seen = found[name]
        lines.append([name, pair(run["rate"], seen["rate"], "{:,.0f}"), pair(run["p50"], seen["p50"], "{:.1f}"),
                      pair(run["p99"], seen["p99"], "{:.1f}")])
    return rows(*lines)


def cpu_table(found):
    lines = [["load"] + KINDS, ["---"] + ["---:"] * len(KINDS)]
    for name, run in costs.RUNS.items():
        seen = found[name]
        cell = lambda kind: pair(run["cpu"][kind], seen["cpu"][kind] / seen["rate"] * 1000, "{:.3f}") if kind in run["cpu"] else ""
        lines.append([name] + [cell(kind) for kind in KINDS])
    return rows(*lines)


def costs_table():
    lines = [["cost", "ms of a core", "how it is known", "source"], ["---", "---:", "---", "---"]]
    for name, cost in costs.COSTS.items():
        lines.append([f"`{name}`", f"{cost.value:.4g}", cost.kind, cost.source])
    return rows(*lines)


def result_cells(seen):
    shares = {kind: share for kind, share in seen["busiest"].items() if kind != "generator"}
    fullest = sorted(shares, key=shares.get, reverse=True)[:3]
    told = ", ".join(f"{kind} {100 * shares[kind]:.0f} %" for kind in fullest)
    return [f"{seen['rate']:,.0f} of {seen['offered']:,.0f}", f"{seen['p50']:,.0f} / {seen['p99']:,.0f}",
            f"{seen['frames'].get('frame from a gateway', 0):.1f}", told]


def growth_table(found):
    lines = [["sockets", "messages/s", "fleet", "delivered/s", "p50 / p99, ms", "messages in a frame", "fullest", "what breaks"],
             ["---:", "---:", "---", "---:", "---:", "---:", "---", "---"]]
    for step, result in zip(growth.STEPS, found):
        load = [f"{step.sockets:,}", f"{step.rate:,}"]
        if result["before"]:
            seen = result["before"]
            lines.append(load + ["as before"] + result_cells(seen) + [f"**{seen['breaks'] or 'nothing'}**"])
        seen = result["after"]
        lines.append(load + [step.change] + result_cells(seen) + [f"**{seen['breaks']}**" if seen["breaks"] else "nothing"])
    return rows(*lines)


def what_if_table(found):
    lines = [["what is changed", "delivered/s", "p50 / p99, ms", "messages in a frame", "fullest", "what breaks"],
             ["---", "---:", "---:", "---:", "---", "---"]]
    for question, seen in zip(what_if.QUESTIONS, found):
        lines.append([question.title] + result_cells(seen) + [seen["breaks"] or "nothing"])
    return rows(*lines)


def capacity_tables():
    parts = [model.table()]
    parts += [model.table(sizes, people) for people, sizes in model.LARGER]
    head = parts[0].split("\n")[:2]
    return "\n".join(head + [line for part in parts for line in part.split("\n")[2:]])


def gateways_table():
    counts = [1, 2, 6, 14, 27, 53]
    lines = [["people in the thread"] + [f"of {count} gateways" for count in counts], ["---:"] * (len(counts) + 1)]
    for people in [2, 10, 100, 5_000]:
        lines.append([f"{people:,}"] + [f"{model.gateways_of(people, count):.1f}" for count in counts])
    return rows(*lines)


def tables(results):
    """The parts of the document that are not written by hand, by name."""
    return {"capacity": capacity_tables(), "costs": costs_table(), "gateways": gateways_table(), "check": check_table(results["check"]),
            "cpu": cpu_table(results["check"]), "growth": growth_table(results["growth"]),
            "what-if": what_if_table(results["what_if"])}


def filled(text, parts):
    """The document with these parts between their marks. A mark that is missing is an error."""
    for name, table in parts.items():
        begin, end = f"<!-- scaling: {name} -->\n", f"<!-- /scaling: {name} -->"
        before, rest = text.split(begin)
        text = before + begin + table + "\n" + end + rest.split(end)[1]
    return text


def rounded(value):
    """Six significant digits: what is kept does not depend on the last bit of a floating-point sum."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ["table", "check", "simulate", "write"]:
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--sockets", type=int)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--people", type=int, default=2, help="people in a thread, all of them connected")
    parser.add_argument("--per-thread", type=float, default=1.0, help="messages/s in a thread that is in use")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs beside each other")
    options = parser.parse_args()
    if options.table:
        sizes = [(options.sockets, options.rate)] if options.sockets and options.rate else model.SIZES
        print(model.table(sizes, options.people, options.per_thread))
    if options.check:
        found = check(options.seed)
        print(check_table(found), cpu_table(found), sep="\n\n")
    if options.simulate:
        found = simulate_all(options.seed, options.jobs)
        RESULTS.write_text(json.dumps(rounded(found), indent=1) + "\n")
    if options.write:
        results = json.loads(RESULTS.read_text())
        DOCUMENT.write_text(filled(DOCUMENT.read_text(), tables(results)))
    if not any([options.table, options.check, options.simulate, options.write]):
        parser.print_help()


if __name__ == "__main__":
    main()
