#!/usr/bin/env python3
"""A mail that the mail server puts off again and again: it climbs the whole retry ladder, becomes a dead letter with
its reason, and a replay sends it once.

One process runs under a clock that jumps over each rung. Nothing of the mail and no address is in the dead letter,
however an administrator looks at it, in the logs or in the metrics.

  tests/smtp/ladder.py --bins target/release

Needs a C compiler.
"""

import json
import sys
import time

from running import Clock, MailServer, System, arguments, eventually, free_port, new_folder

RUNGS_S = [1, 5, 30, 120, 600, 3600]
CANARIES = ["canary-address", "canary-title", "canary-text", "canary-name"]
OF_EACH = ["rcpt-450", "data-452", "close"]


def waiting(system, rung_s):
    """How many jobs wait on a rung of the retry ladder."""
    return sum(rung["messages"] for rung in system.ask("GET", "/ops/pipeline")["retry"] if rung["delayMs"] == rung_s * 1000)


def run(system, server, clock):
    people = {f"person-{n}": kind for n, kind in enumerate(OF_EACH)}
    for one, kind in people.items():
        system.ask("PUT", f"/users/{one}", {"name": "canary-name", "email": f"{kind}@canary-address.example"})
    system.ask("POST", "/notifications", {"userIds": list(people), "title": "canary-title", "message": "canary-text", "type": "news"})
    tried = lambda: sum(system.metric("email-worker", f'eventflow_email_mails_total{{outcome="{one}"}}') for one in ("later", "unknown"))
    for attempt, rung in enumerate([*RUNGS_S, None], 1):
        eventually(lambda: f"{tried()} of {attempt * len(people)} tries", lambda: tried() >= attempt * len(people))
        if rung:
            # A mail counts as tried before it is on its rung. Its delay begins there, and must not begin
            # after the jump.
            eventually(lambda: f"{waiting(system, rung)} on the rung of {rung} s", lambda: waiting(system, rung) == len(people))
            clock.advance(rung)
    letters = eventually("the dead letters", lambda: len(found := system.ask("GET", "/ops/dead-letters")["letters"]) == len(people) and found)
    for letter in letters:
        print(f"dead letter of {letter['queue']}: {letter['kind']}, {letter['cause']}, attempts {letter['attempts']}: {letter['reason']}")
    outcomes = {one: system.outcome(one) for one in people}
    print("the log says", outcomes)
    seen = [json.dumps(letters)]
    for letter in letters:
        seen.append(json.dumps(system.ask("GET", f"/ops/dead-letters/{letter['_id']}")))
        seen.append(json.dumps(system.ask("POST", f"/ops/dead-letters/{letter['_id']}/reveal", {"why": "a test"})))
    for where, text in [("dead letters, revealed ones too", "".join(seen)), ("logs", system.logs().decode()), ("metrics", system.all_metrics())]:
        found = [canary for canary in CANARIES if canary in text]
        print(f"{where}: {len(text)} bytes, of addresses and texts: {len(found)}")
        assert not found, (where, found)
    # Now the addresses are good ones.
    for one in people:
        system.ask("PUT", f"/users/{one}", {"name": "canary-name", "email": f"{one}@canary-address.example"})
    for _ in range(2):
        system.ask("POST", "/ops/replays", {"ids": [letter["_id"] for letter in letters], "why": "the addresses were mended"})
        eventually("all are sent", lambda: all(server.mails.get(f"{one}@canary-address.example") for one in people))
        time.sleep(3)
    mails = {one: len(server.mails[f"{one}@canary-address.example"]) for one in people}
    outcomes_after = {one: system.outcome(one) for one in people}
    print("after two replays: mails", mails, "the log says", outcomes_after)
    return 0 if set(mails.values()) == {1} and set(outcomes.values()) == {"failed"} and set(outcomes_after.values()) == {"sent"} else 1


def main():
    options = arguments(of_either_shape=False).parse_args()
    folder = new_folder("ladder")
    server, clock = MailServer(), Clock(folder)
    system = System("single", options.bins, folder, server.url, free_port(), {"EMAIL_GRACE_S": "0", "LOG_LEVEL": "debug", **clock.settings})
    try:
        return run(system, server, clock)
    finally:
        system.stop()
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
