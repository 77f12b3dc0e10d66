#!/usr/bin/env python3
"""A mail server that fails in each way, behind the whole system: what becomes of each mail, and who learns of it.

Starts a system against server.py and tells each person something; the address of a person says how the server
answers. Then it asks for the delivery log and the suppression list, and looks for addresses and texts where
there must be none: in the logs, the metrics and the queues.

  tests/smtp/failures.py --bins target/release
  eval "$(tests/services env)"; tests/smtp/failures.py --bins target/release --shape fleet
"""

import base64
import json
import sqlite3
import sys

from running import MailServer, System, arguments, eventually, free_port, management, new_folder

# These words stand in every address, title and text.
CANARIES = ["canary-address", "canary-title", "canary-text", "canary-name"]
PATIENCE_S = 90
# The beginning of an address; what the delivery log says last; whether the address gets no more mail.
TABLE = [
    ("bob", "sent", False),
    ("rcpt-450", "held", False),
    ("rcpt-452", "held", False),
    ("rcpt-550", "failed", True),
    ("rcpt-551", "failed", True),
    ("rcpt-552", "failed", False),
    ("rcpt-554", "failed", False),
    ("policy-550", "failed", False),
    ("data-450", "held", False),
    ("data-452", "held", False),
    ("data-550", "failed", False),
    ("data-552", "failed", False),
    ("data-554", "failed", False),
    ("keep-then-close", "held", False),
]



def queues(system):
    """Everything that the queues hold, as bytes, and where they are."""
    return queues_of_rabbitmq(system.vhost) if system.shape == "fleet" else queues_of_file(system.folder)


def queues_of_file(folder):
    with sqlite3.connect(f"file:{folder}/data/eventflow.db?mode=ro", uri=True) as file:
        names = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'broker%'")]
        assert "broker_message" in names, names
        return f"tables {names}", b"".join(repr(row).encode() for name in names for row in file.execute(f'SELECT * FROM "{name}"'))


def queues_of_rabbitmq(vhost):
    """Each message goes back to its queue. Of a queue with a single active consumer nobody else may take one."""
    queues = management("GET", f"queues/{vhost}")
    names = [queue["name"] for queue in queues if queue.get("type") == "quorum" and not queue["arguments"].get("x-single-active-consumer")]
    assert "email" in names, names
    wanted = {"count": 1000, "ackmode": "ack_requeue_true", "encoding": "base64"}
    held = [message for name in names for message in management("POST", f"queues/{vhost}/{name}/get", wanted)]
    payloads = (base64.b64decode(message["payload"]) + json.dumps(message["properties"]).encode() for message in held)
    return f"{len(names)} queues with {len(held)} messages", b"".join(payloads)


def check(system, server):
    people = {local: f"person-{n}" for n, (local, _, _) in enumerate(TABLE)}
    for local, person in people.items():
        system.ask("PUT", f"/users/{person}", {"name": f"canary-name {local}", "email": f"{local}@canary-address.example"})
    system.ask("POST", "/notifications", {"userIds": list(people.values()), "title": "canary-title", "message": "canary-text", "type": "news"})
    for local, wanted, is_suppressed in TABLE:
        eventually(lambda: f"{local} is {wanted}, not {system.outcome(people[local])}", lambda: system.outcome(people[local]) == wanted)
    # Mails that may come through later are tried again, under the same Message-ID.
    again = eventually("a second try", lambda: (ids := server.ids("keep-then-close@canary-address.example")) and len(ids) > 1 and ids)
    assert len(set(again)) == 1, again
    listed = {one["address"]: one["reason"] for one in system.ask("GET", "/email/suppressions?limit=100")["suppressions"]}
    print(f"{'address':16} {'delivery log':12} {'suppressed':12} answer")
    for local, wanted, is_suppressed in TABLE:
        outcome, suppressed = system.outcome(people[local]), f"{local}@canary-address.example" in listed
        answer = next((row["answer"] for row in system.rows(people[local]) if row.get("answer")), "-")
        print(f"{local:16} {outcome:12} {listed.get(f'{local}@canary-address.example', '-'):12} {answer}")
        assert (outcome, suppressed) == (wanted, is_suppressed), (local, outcome, suppressed)
    assert len(server.ids("bob@canary-address.example")) == 1, server.mails
    where, held = queues(system)
    for place, text in [("logs", system.logs()), ("metrics", system.all_metrics().encode()), (where, held)]:
        assert text, place
        found = [canary for canary in CANARIES if canary.encode() in text]
        print(f"{place}: {len(text)} bytes, of addresses and texts: {len(found)}")
        assert not found, (place, found)


def main():
    parser = arguments()
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    folder = new_folder("failures")
    server = MailServer()
    settings = {"LOG_LEVEL": "debug", "EMAIL_GRACE_S": "0"}
    system = System(options.shape, options.bins, folder, server.url, options.port or free_port(), settings)
    try:
        print(f"shape {options.shape}")
        check(system, server)
    finally:
        system.stop()
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
