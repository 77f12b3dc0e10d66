"""Time, machines whose processes take turns, and processes that have to be woken. Times are in milliseconds."""
import heapq
from collections import deque

from costs import ms

TURN_MS = 2.0


class Engine:
    def __init__(self):
        self.now = 0.0
        self._due = []
        self._count = 0

    def after(self, delay, call, *args):
        self._count += 1
        heapq.heappush(self._due, (self.now + delay, self._count, call, args))

    def run(self, until):
        due = self._due
        while due and due[0][0] <= until:
            self.now, _, call, args = heapq.heappop(due)
            call(*args)
        self.now = until


class Machine:
    """Some cores. Who has work waits for a turn."""

    def __init__(self, engine, cores):
        self.engine, self.cores = engine, cores
        self.free = cores
        self.ready = deque()

    def run(self, work, done, args):
        if self.free:
            self.free -= 1
            self._turn(work, done, args)
        else:
            self.ready.append((work, done, args))

    def _turn(self, work, done, args):
        if work > TURN_MS:
            self.engine.after(TURN_MS, self._over, work - TURN_MS, done, args)
        else:
            self.engine.after(work, self._over, 0, done, args)

    def _over(self, rest, done, args):
        if rest:
            self.ready.append((rest, done, args))
        if self.ready:
            self._turn(*self.ready.popleft())
        else:
            self.free += 1
        if not rest:
            done(*args)


class Process:
    """Runs on a machine. Waking it up costs something; `threads` bounds how many cores it can use."""

    def __init__(self, machine, kind, threads=64):
        self.machine, self.kind, self.threads = machine, kind, threads
        self.wake = ms("wake." + kind)
        self.active = 0
        self.busy = 0.0
        self.waiting = deque()

    def run(self, work, done, *args):
        if self.active >= self.threads:
            self.waiting.append((work, done, args))
        else:
            self._start(work if self.active else work + self.wake, done, args)

    def _start(self, work, done, args):
        self.active += 1
        self.busy += work
        self.machine.run(work, self._over, (done, args))

    def _over(self, done, args):
        self.active -= 1
        if self.waiting:
            self._start(*self.waiting.popleft())
        done(*args)
