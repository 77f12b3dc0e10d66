"""What a message passes, each as its source does it: the lanes of gateways (libs/bus/src/publish.rs), the consume
loop (libs/bus/src/consume) with the handlers of `persist`, `cursors` and `fanout`, and the gateways.

An item is (when it was meant to be sent, thread, gateway of its sender, sender). A receipt has no time.
"""
from collections import defaultdict, deque

import costs
from costs import ms

COMMANDS_PER_FRAME = min(costs.FRAME_ITEMS, costs.FRAME_BYTES // costs.COMMAND_BYTES)
EVENTS_PER_FRAME = min(costs.FRAME_ITEMS, costs.FRAME_BYTES // costs.EVENT_BYTES)


class Lane:
    """A gateway's way into a queue: one frame at a time, and a linger between two."""

    def __init__(self, system, gateway, consumer):
        self.system, self.gateway, self.consumer = system, gateway, consumer
        self.items = deque()
        self.sending = False
        self.flushed = -1e9

    def add(self, item):
        self.items.append(item)
        if not self.sending:
            self.sending = True
            self._begin()

    def _begin(self):
        full = len(self.items) >= costs.FRAME_ITEMS
        pause = 0 if full else max(0, self.flushed + self.system.fleet.linger_ms - self.system.engine.now)
        self.system.engine.after(pause, self._flush)

    def _flush(self):
        take = min(len(self.items), COMMANDS_PER_FRAME)
        frame = [self.items.popleft() for _ in range(take)]
        self.flushed = self.system.engine.now
        self.system.note("frame of receipts" if isinstance(self.consumer, Cursors) else "frame from a gateway", take)
        self.gateway.process.run(ms("gateway.frame"), self._publish, frame)

    def _publish(self, frame):
        self.system.publish(self.consumer, frame, self._confirmed, True)

    def _confirmed(self):
        if self.items:
            self._begin()
        else:
            self.sending = False


class Consumer:
    """The consume loop of one queue: perform, announce the batch before, finalize what was announced."""
    max_items = costs.BATCH_ITEMS

    def __init__(self, system, node):
        self.system, self.engine, self.node = system, system.engine, node
        self.frames = deque()
        self.unacked = 0
        self.performing = self.announcing = self.finalizing = False
        self.performed = None
        self.announced = []
        self.finalize_at = 0.0
        self.timer = False

    def arrive(self, frame):
        self.frames.append(frame)
        self._take()

    def waiting(self):
        return sum(len(frame) for frame in self.frames)

    def _take(self):
        if self.performing or not self.frames or self.unacked >= self.system.fleet.prefetch:
            return
        batch, frames = [], 0
        while self.frames and len(batch) < self.max_items and self.unacked < self.system.fleet.prefetch:
            batch.extend(self.frames.popleft())
            frames += 1
            self.unacked += 1
        self.performing = True
        self.system.note("batch of " + type(self).__name__, len(batch))
        self.perform(batch, lambda: self._performed(batch, frames))

    def _performed(self, batch, frames):
        if self.announcing:
            self.performed = (batch, frames)
            return
        self.performing = False
        self.announcing = True
        self.announce(batch, lambda: self._announced(batch, frames))
        self._take()

    def _announced(self, batch, frames):
        self.announcing = False
        self.announced.append((batch, frames))
        if self.performed:
            waiting, self.performed = self.performed, None
            self._performed(*waiting)
        self._finalize_in_time()

    def _finalize_in_time(self):
        if self.finalizing or not self.announced:
            return
        if 2 * sum(frames for _, frames in self.announced) >= self.system.fleet.prefetch or self.engine.now >= self.finalize_at:
            self.finalizing = True
            self.finalize_at = self.engine.now + costs.FINALIZE_MS
            done, self.announced = self.announced, []
            items = [item for batch, _ in done for item in batch]
            self.finalize(items, lambda: self._finalized(sum(frames for _, frames in done)))
        elif not self.timer:
            self.timer = True
            self.engine.after(self.finalize_at - self.engine.now, self._due)

    def _due(self):
        self.timer = False
        self._finalize_in_time()

    def _finalized(self, frames):
        self.finalizing = False
        self.unacked -= frames
        self._finalize_in_time()
        self._take()

    def announce(self, batch, done):
        done()

    def finalize(self, items, done):
        done()


class Persist(Consumer):
    """Messages into the store, events to the fan-out stage, answers to the gateways, then the threads."""

    def __init__(self, system, shard, node):
        super().__init__(system, node)
        self.shard = shard
        self.worker = system.persistence[shard % len(system.persistence)]
        self.store = system.stores[shard % len(system.stores)]

    def perform(self, batch, done):
        work = ms("persistence.batch") + len(batch) * ms("persistence.item")
        self.worker.run(work, self.write, ms("mongod.call") + len(batch) * ms("mongod.insert"), done)

    def write(self, work, done):
        system = self.system
        wait = system.fsync + 2 * system.network * (2 if system.fleet.replicas > 1 else 1)
        self.store.run(work, lambda: self.engine.after(wait, done))

    def announce(self, batch, done):
        self.system.publish_events(self.system.fanouts[self.shard], batch, done)
        by_gateway = defaultdict(list)
        for item in batch:
            by_gateway[item[2]].append(item)
        for gateway, items in by_gateway.items():
            self.system.gateways[gateway].answer(items)

    def finalize(self, items, done):
        threads = len({item[1] for item in items})
        self.write(ms("mongod.call") + threads * ms("mongod.touch"), done)


class Cursors(Persist):
    """Receipts: two questions to the store and two writes, then events."""

    def perform(self, batch, done):
        ask = ms("mongod.call")
        receipts = ask + len({item[1] for item in batch}) * ms("mongod.receipt")
        cursors = ask + len(batch) * ms("mongod.receipt")

        def read(then):
            self.store.run(ask, lambda: self.engine.after(2 * self.system.network, then))

        def steps():
            read(lambda: self.write(receipts, lambda: read(lambda: self.write(cursors, done))))

        self.worker.run(ms("persistence.batch") + len(batch) * ms("persistence.item"), steps)

    def announce(self, batch, done):
        self.system.publish_events(self.system.fanouts[self.shard], batch, done)

    def finalize(self, items, done):
        done()


class Fanout(Consumer):
    """Where are the people of these threads? One frame for each of those gateways."""

    def __init__(self, system, shard, node):
        super().__init__(system, node)
        self.worker = system.fanout[shard % len(system.fanout)]

    def perform(self, batch, done):
        threads = {item[1] for item in batch}
        commands = len(threads) * self.system.load.people
        ask = ms("redis.call") + commands * ms("redis.command")
        work = ms("fanout.batch") + len(batch) * ms("fanout.item")
        self.worker.run(work, lambda: self.system.ask_redis(self.system.places_redis, ask, done))

    def announce(self, batch, done):
        by_gateway = defaultdict(list)
        for item in batch:
            for gateway in self.system.gateways_of(item[1]):
                by_gateway[gateway].append(item)
        messages = []
        for gateway, items in by_gateway.items():
            for start in range(0, len(items), EVENTS_PER_FRAME):
                messages.append((self.system.gateways[gateway].deliveries, items[start:start + EVENTS_PER_FRAME]))
        left = len(messages)

        def confirmed():
            nonlocal left
            left -= 1
            if not left:
                done()

        for consumer, items in messages:
            self.system.note("frame to a gateway", len(items))
            self.system.publish(consumer, items, confirmed, False)


class Deliveries(Consumer):
    """A gateway's queue: the journal, then the sockets."""

    def __init__(self, system, gateway, node):
        super().__init__(system, node)
        self.gateway = gateway

    def perform(self, batch, done):
        work = ms("redis.call") + 2 * ms("redis.command")
        self.system.ask_redis(self.system.journal_redis, work, self._emit, batch, done)

    def _emit(self, batch, done):
        mine, sockets, events = self.gateway.index, set(), 0
        for item in batch:
            for person in self.system.people_at(item[1], mine):
                sockets.add(person)
                events += 1
        work = ms("gateway.frame") + events * ms("gateway.event") + len(sockets) * ms("gateway.flush")
        self.gateway.process.run(work, self._told, batch, events, len(sockets), done)

    def _told(self, batch, events, sockets, done):
        self.system.received(self.gateway, batch, events, sockets)
        done()


class Gateway:
    def __init__(self, system, index, process, node):
        self.system, self.index, self.process = system, index, process
        self.deliveries = Deliveries(system, self, node)
        self.lanes, self.cursor_lanes = {}, {}
        self.receipts = [set() for _ in range(costs.RECEIPT_STEPS)]

    def lane(self, lanes, consumers, shard):
        if shard not in lanes:
            lanes[shard] = Lane(self.system, self, consumers[shard])
        return lanes[shard]

    def accept(self, item):
        self.process.run(ms("gateway.accept"), self._accepted, item)

    def _accepted(self, item):
        shard = item[1] % self.system.fleet.shards
        self.lane(self.lanes, self.system.persists, shard).add(item)

    def answer(self, items):
        system = self.system
        work = ms("rabbitmq.frame") / 2 + len(items) * ms("rabbitmq.item")
        senders = len({(item[1], item[3]) for item in items})
        told = ms("gateway.frame") + len(items) * ms("gateway.event") + senders * ms("gateway.flush")
        node = system.nodes[self.index % len(system.nodes)]
        node.run(work, lambda: system.engine.after(
            2 * system.network, lambda: self.process.run(told, system.answered, self, items)))

    def send_receipts(self, step):
        """One step of a round; the first comes after the time of collecting."""
        for thread, person in sorted(self.receipts[step]):
            shard = thread % self.system.fleet.shards
            self.lane(self.cursor_lanes, self.system.cursors, shard).add((None, thread, self.index, person))
        self.receipts[step].clear()
        following = (step + 1) % costs.RECEIPT_STEPS
        pause = costs.RECEIPT_PAUSE_MS + (0 if following else costs.RECEIPT_COLLECTING_MS)
        self.system.engine.after(pause, self.send_receipts, following)
