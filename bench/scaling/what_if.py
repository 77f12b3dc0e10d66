"""Questions to a fleet that carries its load: what one change alone does."""
from dataclasses import dataclass, replace

import growth
from simulation import Fleet


@dataclass(frozen=True)
class Question:
    title: str
    fleet: Fleet
    receipts: bool = True


STEP = growth.STEPS[3]
BASE = STEP.fleet

QUESTIONS = [
    Question("nothing", BASE),
    Question("`SHARDS=2` instead of 4", replace(BASE, shards=2)),
    Question("`SHARDS=32` instead of 4", replace(BASE, shards=32)),
    Question("56 gateways instead of 14", replace(BASE, gateways=56)),
    Question("a linger of 20 ms instead of 4 (a constant)", replace(BASE, linger_ms=20)),
    Question("16 frames in hand instead of 64 (a constant)", replace(BASE, prefetch=16)),
    Question("no \"delivered\" receipts (there is no such setting)", BASE, receipts=False),
]


def tasks(seed):
    return [(STEP, question.fleet, seed, question.receipts) for question in QUESTIONS]
