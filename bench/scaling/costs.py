"""What one thing costs, and where the figure comes from.

CPU times are in milliseconds of one core of the machine of docs/PERFORMANCE.md (two virtual cores, Xeon).
`MEASURED` was measured and is written down. `FITTED` was chosen so that the simulation spends the CPU time that
was measured on that machine (`fit.py` looks for them, `scaling.py --check` shows how well). `ASSUMED` was never measured here.
"""
from dataclasses import dataclass

# docs/PERFORMANCE.md, "Measured" with its table of receipts: messages/s, send to receive in ms, and CPU
# seconds per 1,000 messages.
RUNS = {
    "saturated, 1 shard": {
        "shards": 1, "in_flight": 1600, "threads": 100, "rate": 12914, "p50": 155, "p99": 293,
        "cpu": {"ws-gateway": .042, "persistence": .013, "fanout": .008, "rabbitmq": .015, "mongod": .059, "redis": .001}},
    "saturated, 4 shards": {
        "shards": 4, "in_flight": 1600, "threads": 100, "rate": 11004, "p50": 267, "p99": 708,
        "cpu": {"ws-gateway": .042, "persistence": .017, "fanout": .009, "rabbitmq": .023, "mongod": .068, "redis": .002}},
    "1,000/s, 1 shard": {
        "shards": 1, "offered": 1000, "threads": 100, "rate": 1000, "p50": 7.9, "p99": 25.5,
        "cpu": {"ws-gateway": .207, "persistence": .149, "fanout": .101, "rabbitmq": .343, "mongod": .352, "redis": .035}},
    "1,000/s, 4 shards": {
        "shards": 4, "offered": 1000, "threads": 100, "rate": 1000, "p50": 27.8, "p99": 84.6,
        "cpu": {"ws-gateway": .247, "persistence": .214, "fanout": .129, "rabbitmq": .560, "mongod": .528, "redis": .038}},
    "400/s in 500 threads, 1 shard": {
        "shards": 1, "offered": 400, "threads": 500, "rate": 400, "p50": 8.2, "p99": 23, "cpu": {"mongod": .785}},
    "400/s in 500 threads, 4 shards": {
        "shards": 4, "offered": 400, "threads": 500, "rate": 400, "p50": 12.1, "p99": 40, "cpu": {"mongod": 1.28}},
}


@dataclass(frozen=True)
class Cost:
    value: float
    kind: str
    source: str


MEASURED, FITTED, ASSUMED = "measured", "fitted", "assumed"
FIT = "CPU per 1,000 messages in docs/PERFORMANCE.md, Measured"

# Milliseconds of CPU, unless the name says otherwise.
COSTS = {
    # A process that was asleep and is woken. A busy process does not sleep: this is why a message costs less
    # the more there are.
    "wake.ws-gateway": Cost(.089, FITTED, FIT),
    "wake.persistence": Cost(.14, FITTED, FIT),
    "wake.fanout": Cost(.23, FITTED, FIT),
    "wake.rabbitmq": Cost(.37, FITTED, FIT),
    "wake.mongod": Cost(.48, FITTED, FIT),
    "wake.redis": Cost(.025, FITTED, FIT),
    "wake.generator": Cost(.089, ASSUMED, "as the gateway; the load generator is on the same cores, and its CPU is not written down"),
    "gateway.accept": Cost(.024, FITTED, FIT),
    "gateway.frame": Cost(.014, FITTED, FIT),
    "gateway.event": Cost(.0022, FITTED, FIT),
    "gateway.flush": Cost(.011, FITTED, FIT + "; limits.md E: 6 to 10 µs for an event to one socket of 5,000"),
    "persistence.batch": Cost(.26, FITTED, FIT),
    "persistence.item": Cost(.012, FITTED, FIT),
    "fanout.batch": Cost(.055, FITTED, FIT),
    "fanout.item": Cost(.0062, FITTED, FIT),
    "rabbitmq.frame": Cost(.037, MEASURED, "limits.md A: 41 µs, published and consumed, at 28,800 frames of one message a second; less the item"),
    "rabbitmq.item": Cost(.0035, FITTED, FIT),
    "mongod.call": Cost(.29, FITTED, FIT + "; limits.md D: 0.57 ms for an insert alone, its wake-ups included"),
    "mongod.insert": Cost(.042, FITTED, FIT + "; 0.017 to 0.024 with two unique indexes, in batches of 100 and 500 (ADR 2)"),
    "mongod.touch": Cost(.046, MEASURED, "limits.md D: updates of threads, batch 500"),
    # Twice for a receipt: its message, which the people of a thread share, and its cursor.
    "mongod.receipt": Cost(.040, MEASURED, "libs/adapters/mongo/src/cursors.rs: some 10 ms for a command of 256"),
    "redis.call": Cost(.0069, FITTED, FIT),
    "redis.command": Cost(.0015, MEASURED, "libs/adapters/redis/src/registry.rs: a few ms for 500 users, three commands each"),
    "generator.message": Cost(.015, ASSUMED, "1.78 of two cores are accounted for at saturation, the rest is the generator's"),
}

# Milliseconds of waiting, not of CPU.
FSYNC_ONE_MACHINE = .15  # limits.md 0: a 4 KiB O_DSYNC write
FSYNC_FLEET = 1.0  # assumed: a real disk; limits.md 0 names 0.5 to 5 ms
NETWORK_FLEET = .15  # assumed: one way between two machines of one data centre

# libs/bus and libs/protocol.
LINGER_MS = 4.0  # publish.rs, LINGER
FRAME_ITEMS = 256  # frame.rs, FRAME_MAX_ITEMS
FRAME_BYTES = 100_000  # frame.rs, FRAME_MAX_BYTES
COMMAND_BYTES = 440  # limits.md B
EVENT_BYTES = 700  # assumed: a command with the stored document around it
BATCH_ITEMS = 512  # consume/batch.rs, BATCH_MAX_ITEMS
PREFETCH = 64  # consume/pipeline.rs, PREFETCH
FINALIZE_MS = 20.0  # consume/pipeline.rs, FINALIZE_EVERY
RECEIPT_STEPS = 8  # ingress/ws/upstream/receipts.rs, STEPS
RECEIPT_COLLECTING_MS, RECEIPT_PAUSE_MS = 250.0, 95.0
RECEIPT_PEOPLE_MAX = 100  # protocol/change/cursor.rs, RECEIPT_PARTICIPANTS_MAX
SHARDS_MAX = 64  # topology.rs, MAX_SHARDS
PEOPLE_MAX = 5_000  # protocol/participants.rs, PARTICIPANTS_MAX
HEARTBEAT_S = 30  # ports/presence.rs and ports/registry.rs: each device, each user
REGISTRY_COMMANDS = 3  # registry.rs, write_entry
PRESENCE_COMMANDS = 5  # presence.rs and swap.rs: MGET, then GET, SET, ZADD, ZADD
SOCKETS_MEASURED_MAX = 19_000  # docs/PERFORMANCE.md: more were never opened at one gateway
SOCKET_BYTES = 5_464  # docs/PERFORMANCE.md, at 19,000


def ms(name):
    return COSTS[name].value
