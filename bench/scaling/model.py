"""What a fleet needs for so many sockets and messages per second: sums of the costs of `costs.py`, no queues.

The marginal costs are those of the simulation. What queues do beside that (waiting, batches that grow) is the
simulation's part.
"""
import math
from dataclasses import dataclass

import costs
from costs import ms
from stages import COMMANDS_PER_FRAME

TARGET = .6  # share of a machine that is planned to be in use
SHARD_RATE = 6_500  # messages/s of one shard: half of what one shard carried on two cores with everything else
SHARD_FRAMES = 3_000  # frames/s of one shard, by the simulation: 64 in hand, and some 20 ms until they are acknowledged
BATCHES_PER_GATEWAY = 500  # batches/s that a gateway takes at most: some 2 ms each, with the journal
BATCHES_PER_SHARD = 200  # batches/s that one consumer performs at most: some 5 ms each, with a majority on real disks
GATEWAY_CORES = WORKER_CORES = 2
KERNEL_SOCKET_BYTES = 8_192  # assumed: what the kernel keeps of an idle TCP connection is not in the gateway's memory
GATEWAY_BASE_MB = 50
REDIS_BYTES_PER_SOCKET = 800  # assumed: two sorted-set entries, two keys
JOURNAL_MB = 6  # libs/ingress/src/ws/resume/journal.rs, ENTRIES_MAX: at most, of each gateway
STORED_BYTES = 1_500  # assumed: 603 bytes of a document (limits.md D), indexes, the thread's share
WRITTEN_BYTES = 4_000  # assumed: document, oplog, journal, indexes, checkpoints
EVENT_TO_SOCKET_BYTES = 287  # limits.md E
PEAK_TO_MEAN = 4  # assumed: the day's mean is a quarter of the peak


@dataclass(frozen=True)
class Need:
    sockets: int
    rate: float
    people: int = 2
    per_thread: float = 1.0  # messages/s in a thread in which something is said
    replicas: int = 3


@dataclass
class Plan:
    gateways: int = 0
    shards: int = 0
    workers: int = 0
    lanes: int = 0
    frame_items: float = 0
    gateways_of_event: float = 0
    receipts: float = 0
    deliveries: float = 0
    gateway_mb: float = 0
    gateway_cores: float = 0
    persistence_cores: float = 0
    fanout_cores: float = 0
    rabbit_frames: float = 0
    rabbit_cores: float = 0  # of each node
    mongo_cores: float = 0  # of the primary, all shards together
    mongo_gb_a_day: float = 0
    mongo_mb_written: float = 0
    redis_cores: float = 0
    redis_mb: float = 0
    out_mbit: float = 0


def frames(rate, lanes, linger_ms=costs.LINGER_MS):
    """Frames/s of all lanes together, if messages come at random: a lane that was silent for the linger sends at
    once, any other waits for its end. So its cycle is the linger, and the wait for the next message in the
    cases in which none came."""
    if rate <= 0:
        return 0.0
    each = rate / lanes / 1000
    cycle = linger_ms + math.exp(-each * linger_ms) / each
    items = max(each * cycle, 1)
    return rate / min(items, COMMANDS_PER_FRAME)


def gateways_of(people, gateways):
    """At how many gateways so many people are on average, if each is at any of them."""
    return gateways * (1 - (1 - 1 / gateways) ** people)


def shards_for(rate, gateways):
    """The smallest power of two that leaves each shard what it can carry, in messages and in frames."""
    shards = 1
    while shards < costs.SHARDS_MAX and (
            rate / shards > SHARD_RATE or frames(rate, shards * gateways) / shards > SHARD_FRAMES):
        shards *= 2
    return shards


def receipts_of(need):
    """One for each recipient, thread and second, in threads whose messages carry receipts."""
    if need.people > costs.RECEIPT_PEOPLE_MAX:
        return 0.0
    return need.rate * (need.people - 1) / max(1.0, need.per_thread)


def awake(kind, steps, work, processes):
    """Busy cores of a kind of process: `steps` a second that do `work` seconds in all, spread over `processes`. A
    step that comes while none other runs there wakes the process; that is so for e^-n of them if n run on average."""
    return work + steps * ms("wake." + kind) / 1000 * math.exp(-work / processes)


def plan(need):
    """Cores are those that are busy at the peak; the table adds the room that `TARGET` leaves."""
    found = Plan(receipts=receipts_of(need), deliveries=need.rate * need.people)
    found.gateways = max(1, math.ceil(need.sockets / costs.SOCKETS_MEASURED_MAX))
    while True:
        found.shards = shards_for(need.rate, found.gateways)
        spend(need, found)
        more = math.ceil(found.gateway_cores / (GATEWAY_CORES * TARGET))
        if more <= found.gateways:
            break
        found.gateways = more
    busiest = max(found.persistence_cores, found.fanout_cores)
    found.workers = max(2, min(found.shards, math.ceil(busiest / (WORKER_CORES * TARGET))))
    return found


def spend(need, found):
    """Fills in what so many gateways and shards cost."""
    g, p = found.gateways, found.shards
    found.lanes = g * p
    found.gateways_of_event = gateways_of(need.people, g)
    sent = frames(need.rate, found.lanes)
    # Receipts leave in steps, one frame for each lane.
    receipt_frames = max(min(found.receipts, found.lanes * costs.RECEIPT_STEPS), found.receipts / COMMANDS_PER_FRAME)
    found.frame_items = need.rate / sent if sent else 0
    batches = min(sent, p * BATCHES_PER_SHARD)
    cursor_batches = min(receipt_frames, p * BATCHES_PER_SHARD / 2)
    events = need.rate + found.receipts
    # Receipts of one thread come from a gateway together, so they share a write and a question to Redis.
    shared = min(found.receipts, need.rate * found.gateways_of_event)
    event_frames = max(batches + cursor_batches, events / (costs.FRAME_BYTES / costs.EVENT_BYTES))
    fanout_batches = min(event_frames, p * BATCHES_PER_SHARD)
    per_batch = events / fanout_batches if fanout_batches else 0
    # Receipts are told where the sender of the message is, messages where everybody is.
    to_gateways = fanout_batches * gateways_of(per_batch * need.people, g)
    replies = batches * gateways_of(need.rate / batches if batches else 0, g)

    signals = need.sockets / costs.HEARTBEAT_S
    quorum = sent + receipt_frames + event_frames + signals / costs.FRAME_ITEMS
    found.rabbit_frames = quorum + to_gateways + replies
    items = 2 * events
    on_each = quorum + (to_gateways + replies / 2) / need.replicas
    work = on_each * ms("rabbitmq.frame") + (items + events * found.gateways_of_event / need.replicas) * ms("rabbitmq.item")
    found.rabbit_cores = awake("rabbitmq", on_each, work / 1000, 1)

    told = need.rate * need.people + found.receipts  # events that sockets hear
    taken = min(to_gateways, g * BATCHES_PER_GATEWAY)
    write = ms("gateway.event") + ms("gateway.flush")
    frames_of_gateways = sent + receipt_frames + taken + replies
    work = need.rate * (ms("gateway.accept") + write) + told * write + frames_of_gateways * ms("gateway.frame")
    found.gateway_cores = awake("ws-gateway", need.rate + frames_of_gateways, work / 1000, g)

    performed = batches + cursor_batches
    work = performed * ms("persistence.batch") + events * ms("persistence.item")
    found.persistence_cores = awake("persistence", performed, work / 1000, 2)
    work = fanout_batches * ms("fanout.batch") + events * ms("fanout.item")
    found.fanout_cores = awake("fanout", fanout_batches, work / 1000, 2)

    touches = min(batches, p * 1000 / costs.FINALIZE_MS)
    calls = batches + 4 * cursor_batches + touches
    work = calls * ms("mongod.call") + need.rate * (ms("mongod.insert") + ms("mongod.touch")) + (found.receipts + shared) * ms("mongod.receipt")
    found.mongo_cores = awake("mongod", calls, work / 1000, 1)

    located = (need.rate + shared) * need.people
    leases = signals * (costs.REGISTRY_COMMANDS + costs.PRESENCE_COMMANDS)
    work = (fanout_batches + taken) * ms("redis.call") + (located + 2 * taken + leases) * ms("redis.command")
    found.redis_cores = awake("redis", fanout_batches + taken, work / 1000, 1)

    sockets = need.sockets / g
    found.gateway_mb = GATEWAY_BASE_MB + sockets * (costs.SOCKET_BYTES + KERNEL_SOCKET_BYTES) / 1e6
    found.redis_mb = (need.sockets * REDIS_BYTES_PER_SOCKET) / 1e6 + g * JOURNAL_MB
    found.mongo_gb_a_day = need.rate / PEAK_TO_MEAN * 86_400 * STORED_BYTES / 1e9
    found.mongo_mb_written = need.rate * WRITTEN_BYTES / 1e6
    found.out_mbit = told * EVENT_TO_SOCKET_BYTES * 8 / 1e6


def cores(busy):
    """Cores to buy for so many busy ones."""
    return max(1, math.ceil(busy / TARGET))


SIZES = [(10_000, 500), (20_000, 2_000), (100_000, 10_000), (250_000, 25_000), (500_000, 50_000), (1_000_000, 100_000)]
# Larger threads: people in each, and sizes.
LARGER = [(10, [(100_000, 5_000)]), (100, [(100_000, 500)]), (5_000, [(100_000, 50)])]


def table(sizes=SIZES, people=2, per_thread=1.0):
    """The rows of "for so many sockets and messages you need", as text."""
    rows = [
        ["sockets", "messages/s", "people in a thread", "gateways of 2 cores", "`SHARDS`", "workers of each kind",
         "RabbitMQ: cores of each of 3 nodes", "mongod: cores of a primary", "Redis: busy share of one core",
         "memory of a gateway, MB", "stored in a day, GB", "to sockets, Mbit/s"],
        ["---:"] * 12]
    for sockets, rate in sizes:
        need = Need(sockets, rate, people, per_thread)
        found = plan(need)
        rows.append([f"{sockets:,}", f"{rate:,}", f"{people:,}", f"{found.gateways:,}", str(found.shards), str(found.workers),
                     f"{cores(found.rabbit_cores):,}", f"{cores(found.mongo_cores):,}", f"{found.redis_cores:.2f}",
                     f"{found.gateway_mb:,.0f}", f"{found.mongo_gb_a_day:,.0f}", f"{found.out_mbit:,.0f}"])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
