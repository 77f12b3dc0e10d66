"""A fleet as queues and service times: what happens to messages from the sender's gateway to the receivers'.

`stages.py` has what a message passes, `machines.py` what it runs on. Here are the fleet, its servers and the load.
A lane sends one frame at a time and lingers; a consumer takes what is there as a batch, announces it while it
performs the next one, finalizes every 20 ms and has at most 64 frames in hand. Processes share the cores of their
machine by turns of 2 ms. Times are in milliseconds. The same seed gives the same figures.
"""
import random
from collections import defaultdict
from dataclasses import dataclass, field

import costs
from costs import ms
from machines import Engine, Machine, Process
from stages import EVENTS_PER_FRAME, Cursors, Fanout, Gateway, Persist


@dataclass(frozen=True)
class Fleet:
    """How many processes there are, and the cores of the machines that they run on."""
    gateways: int = 1
    shards: int = 1
    gateway_cores: int = 2
    workers: int = 1
    worker_cores: int = 2
    rabbit_nodes: int = 1
    rabbit_cores: int = 2
    replicas: int = 1
    stores: int = 1
    store_cores: int = 2
    redis: int = 1  # more than one: places of people, leases and journals apart, which no version can
    one_machine: int = 0  # cores that everything shares, the load generator too; 0: a machine for each
    linger_ms: float = costs.LINGER_MS
    prefetch: int = costs.PREFETCH


@dataclass(frozen=True)
class Load:
    """Either a rate (open loop) or a number of messages in flight (closed loop)."""
    rate: float = 0
    in_flight: int = 0
    threads: int = 100
    people: int = 2
    sockets: int = 200
    receipts: bool = True
    seconds: float = 3.0
    warm_up: float = 1.0


@dataclass
class Outcome:
    rate: float = 0
    offered: float = 0
    p50: float = 0
    p99: float = 0
    cpu: dict = field(default_factory=dict)  # cores in use by kind of process
    busiest: dict = field(default_factory=dict)  # share of its machine in use, the busiest machine of each kind
    growing: dict = field(default_factory=dict)  # items/s by which the queues of a stage grow
    frames: dict = field(default_factory=dict)  # items in a frame or batch
    waiting: dict = field(default_factory=dict)  # messages not delivered, at the begin and the end of the window


class System:
    """The whole fleet under a load."""

    def __init__(self, fleet, load, seed):
        self.fleet, self.load = fleet, load
        self.random = random.Random(seed)
        self.engine = Engine()
        self.machines = defaultdict(list)
        self.processes = defaultdict(list)
        self.shared = Machine(self.engine, fleet.one_machine) if fleet.one_machine else None
        self.network = 0 if self.shared else costs.NETWORK_FLEET
        self.fsync = costs.FSYNC_ONE_MACHINE if self.shared else costs.FSYNC_FLEET
        many = self.processes_of
        gateways = many("ws-gateway", fleet.gateways, fleet.gateway_cores)
        self.persistence = many("persistence", fleet.workers, fleet.worker_cores)
        self.fanout = many("fanout", fleet.workers, fleet.worker_cores)
        self.nodes = many("rabbitmq", fleet.rabbit_nodes, fleet.rabbit_cores)
        self.stores = many("mongod", fleet.stores, fleet.store_cores)
        redis = many("redis", fleet.redis, 1, threads=1)
        self.places_redis, self.leases_redis, self.journal_redis = (redis[n % fleet.redis] for n in range(3))
        self.generator = many("generator", 1, 64)[0] if self.shared else None
        nodes = self.nodes
        self.fanouts = [Fanout(self, shard, nodes[shard % len(nodes)]) for shard in range(fleet.shards)]
        self.persists = [Persist(self, shard, nodes[shard % len(nodes)]) for shard in range(fleet.shards)]
        self.cursors = [Cursors(self, shard, nodes[(shard + 1) % len(nodes)]) for shard in range(fleet.shards)]
        self.gateways = [Gateway(self, n, process, nodes[n % len(nodes)]) for n, process in enumerate(gateways)]
        self.latencies, self.done, self.sent, self.stored = [], 0, 0, 0
        self.sizes = defaultdict(lambda: [0, 0])
        self.measuring = False
        self.places = {}

    def processes_of(self, kind, count, cores, threads=64):
        for _ in range(count):
            machine = self.shared or Machine(self.engine, cores)
            self.machines[kind].append(machine)
            self.processes[kind].append(Process(machine, kind, threads))
        return self.processes[kind]

    # Who is where.

    def place(self, thread):
        """The people of a thread by gateway. A person is in one thread and at one gateway."""
        found = self.places.get(thread)
        if found is None:
            found = {}
            for n in range(self.load.people):
                person = thread * self.load.people + n
                found.setdefault((person * 2654435761 >> 7) % self.fleet.gateways, []).append(person)
            self.places[thread] = found
        return found

    def gateways_of(self, thread):
        return self.place(thread)

    def people_at(self, thread, gateway):
        return self.place(thread).get(gateway, ())

    # The servers.

    def publish(self, consumer, frame, confirmed, replicated):
        """Through the node that leads the queue. A replicated frame is confirmed when one other node has it too."""
        work = ms("rabbitmq.frame") + len(frame) * ms("rabbitmq.item")
        engine, node = self.engine, consumer.node
        copies = self.fleet.replicas - 1 if replicated else 0

        def there():
            engine.after(self.network, consumer.arrive, frame)
            engine.after(self.network, confirmed)

        def led():
            if not copies:
                engine.after(self.fsync, there)
                return
            at = self.nodes.index(node)
            first = self.nodes[(at + 1) % len(self.nodes)]
            engine.after(self.network, first.run, work, engine.after, self.network + self.fsync, there)
            for n in range(2, copies + 1):
                self.nodes[(at + n) % len(self.nodes)].run(work, lambda: None)

        engine.after(self.network, node.run, work, led)

    def publish_events(self, consumer, items, done):
        left = 0

        def confirmed():
            nonlocal left
            left -= 1
            if not left:
                done()

        starts = range(0, len(items), EVENTS_PER_FRAME)
        left = len(starts)
        for start in starts:
            self.publish(consumer, items[start:start + EVENTS_PER_FRAME], confirmed, True)

    def ask_redis(self, redis, work, done, *args):
        redis.run(work, self.engine.after, 2 * self.network, done, *args)

    def keep_leases(self):
        """Leases of users and devices, a share of them every 50 ms."""
        per_socket = (costs.REGISTRY_COMMANDS + costs.PRESENCE_COMMANDS) * ms("redis.command")
        self.leases_redis.run(self.load.sockets / costs.HEARTBEAT_S * .05 * per_socket, lambda: None)
        self.engine.after(50, self.keep_leases)

    # The load.

    def send(self):
        thread = self.random.randrange(self.load.threads)
        sender = thread * self.load.people + self.random.randrange(self.load.people)
        gateway = self.gateways[(sender * 2654435761 >> 7) % self.fleet.gateways]
        self.sent += 1
        item = (self.engine.now, thread, gateway.index, sender)
        if self.generator:
            self.generator.run(ms("generator.message"), gateway.accept, item)
        else:
            gateway.accept(item)

    def send_at_rate(self):
        self.send()
        self.engine.after(self.random.expovariate(self.load.rate / 1000), self.send_at_rate)

    def answered(self, gateway, items):
        self.stored += len(items)
        if self.load.in_flight:
            for _ in items:
                self.send()

    def received(self, gateway, batch, events, sockets):
        if self.generator:
            self.generator.run(ms("generator.message") / 2 * events, lambda: None)
        now, measuring = self.engine.now, self.measuring
        wants_receipts = self.load.receipts and self.load.people <= costs.RECEIPT_PEOPLE_MAX
        for at, thread, _, sender in batch:
            if at is None:
                continue
            for person in self.people_at(thread, gateway.index):
                if person == sender:
                    continue
                if measuring:
                    self.latencies.append(now - at)
                self.done += 1
                if wants_receipts:
                    gateway.receipts[thread % costs.RECEIPT_STEPS].add((thread, person))

    def note(self, what, size):
        if self.measuring:
            count = self.sizes[what]
            count[0] += 1
            count[1] += size

    def run(self):
        load, engine = self.load, self.engine
        for n, gateway in enumerate(self.gateways):
            engine.after(1000 * n / len(self.gateways), gateway.send_receipts, 0)
        self.keep_leases()
        for _ in range(load.in_flight):
            engine.after(self.random.random() * 100, self.send)
        if load.rate:
            self.send_at_rate()
        engine.run(1000 * load.warm_up)
        self.measuring = True
        before = {kind: [process.busy for process in all_of] for kind, all_of in self.processes.items()}
        queued = self.queued()
        sent, done = self.sent, self.done
        engine.run(1000 * (load.warm_up + load.seconds))
        return self.outcome(before, queued, sent, done)

    def queued(self):
        queues = {"persist": self.persists, "cursors": self.cursors, "fanout": self.fanouts,
                  "gateway": [gateway.deliveries for gateway in self.gateways]}
        return {name: sum(consumer.waiting() for consumer in all_of) for name, all_of in queues.items()}

    def outcome(self, before, queued, sent, done):
        span, receivers = 1000 * self.load.seconds, self.load.people - 1
        used = {kind: [(process.busy - was) / span for process, was in zip(all_of, before[kind])]
                for kind, all_of in self.processes.items()}
        found = sorted(self.latencies) or [0.0]
        at = lambda share: found[min(len(found) - 1, int(share * len(found)))]
        return Outcome(
            rate=(self.done - done) / receivers / self.load.seconds,
            offered=(self.sent - sent) / self.load.seconds,
            p50=at(.5), p99=at(.99),
            cpu={kind: sum(cores) for kind, cores in used.items()},
            busiest={kind: max(c / m.cores for c, m in zip(cores, self.machines[kind])) for kind, cores in used.items()},
            growing={name: (now - queued[name]) / self.load.seconds for name, now in self.queued().items()},
            frames={what: items / count for what, (count, items) in sorted(self.sizes.items())},
            waiting={"begin": sent - done / receivers, "end": self.sent - self.done / receivers})


def simulate(fleet, load, seed=1):
    return System(fleet, load, seed).run()
