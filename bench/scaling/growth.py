"""The steps from one machine to a million sockets: a load, the fleet of the step before under it, and the fleet
that carries it. What breaks is found by the simulation; what an operator changes is written here."""
from dataclasses import dataclass, replace

import costs
from simulation import Fleet, Load, simulate

FULL = .9  # share of a machine above which it counts as the thing that breaks
GROWS = .05  # and the queues of a stage that grow by more than this share of the messages
LATE_MS = 1_000  # so does a 99th percentile above this
KEEPS_UP = .95  # share of the offered messages that are delivered


@dataclass(frozen=True)
class Step:
    sockets: int
    rate: int
    fleet: Fleet
    change: str  # what an operator did to get from the step before to this fleet


ONE = Fleet(one_machine=2)
APART = Fleet(gateways=3, workers=2, rabbit_nodes=3, replicas=3, store_cores=2)
SIX = replace(APART, gateways=6, shards=2, store_cores=4)
FOURTEEN = replace(APART, gateways=14, shards=4, rabbit_cores=4, store_cores=8)
MANY = replace(APART, gateways=27, shards=16, workers=4, rabbit_cores=8, store_cores=16)
MOST = replace(APART, gateways=53, shards=64, workers=8, rabbit_cores=16, store_cores=32)

STEPS = [
    Step(10_000, 1_000, ONE, "one machine of two cores for everything, `SHARDS=1`"),
    Step(50_000, 5_000, APART, "a machine for each: 3 gateways, 3 RabbitMQ nodes, 2 of each worker, mongod and its two "
         "secondaries, Redis; two cores each"),
    Step(100_000, 10_000, SIX, "6 gateways, `SHARDS=2`, mongod on 4 cores"),
    Step(250_000, 25_000, FOURTEEN, "14 gateways, `SHARDS=4`, RabbitMQ nodes of 4 cores, mongod on 8"),
    Step(500_000, 50_000, MANY, "27 gateways, `SHARDS=16`, 4 of each worker, RabbitMQ nodes of 8 cores, mongod on 16"),
    Step(1_000_000, 100_000, MOST, "53 gateways, `SHARDS=64`, 8 of each worker, RabbitMQ nodes of 16 cores, mongod on 32"),
    Step(1_000_000, 100_000, replace(MOST, redis=3, stores=4, store_cores=16),
         "the same with three Redis and four shards of MongoDB of 16 cores, which **this version cannot use**"),
]


def load_of(step, receipts=True, seconds=.4):
    """Everybody is in one thread of two. The warm-up is longer than a round of receipts."""
    return Load(rate=step.rate, threads=step.sockets // 2, sockets=step.sockets, receipts=receipts,
                seconds=seconds, warm_up=1.1)


def breaks(step, fleet, outcome):
    """What does not hold: limits that were measured, machines that are full, queues that grow. None if all holds."""
    found = []
    at_each = -(-step.sockets // fleet.gateways)
    if at_each > costs.SOCKETS_MEASURED_MAX:
        found.append(f"{at_each:,} sockets at a gateway ({costs.SOCKETS_MEASURED_MAX:,} were measured)")
    full = [(share, f"{kind} {100 * share:.0f} %") for kind, share in outcome["busiest"].items()
            if share >= FULL and kind != "generator"]
    found += [told for _, told in sorted(full, reverse=True)]
    found += [f"`{name}` grows by {more:,.0f}/s" for name, more in outcome["growing"].items() if more > GROWS * step.rate]
    behind = outcome["rate"] < KEEPS_UP * outcome["offered"]
    if behind or outcome["p99"] > LATE_MS:
        found.append("messages are late")
    return "; ".join(found) or None


def run(step, fleet, seed, receipts=True):
    outcome = vars(simulate(fleet, load_of(step, receipts), seed))
    return {**outcome, "breaks": breaks(step, fleet, outcome)}


def tasks(seed):
    """Every run of the growth by its step: a larger load with the fleet before it, and each step with its own."""
    before = {n: (STEPS[n], STEPS[n - 1].fleet, seed) for n in range(1, len(STEPS)) if STEPS[n].rate > STEPS[n - 1].rate}
    return before, {n: (step, step.fleet, seed) for n, step in enumerate(STEPS)}


def together(before, after):
    """The figures of each step beside each other."""
    return [{"sockets": step.sockets, "rate": step.rate, "before": before.get(n), "after": after[n]}
            for n, step in enumerate(STEPS)]
