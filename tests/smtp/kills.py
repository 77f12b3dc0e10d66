#!/usr/bin/env python3
"""Mails of a fleet whose e-mail workers are killed: none is missing, and one that comes twice is the same mail.

Starts a fleet with two e-mail workers against a real mail server (server.py) on the servers of tests/services,
tells everybody a few things in several rounds, and kills a worker (SIGKILL): at random moments, or with
--behind-250 right after the mail server's 250, before the worker can note it. Then it counts: every person has
one mail of every round that tells everything of it, and a second mail has the Message-ID of the first.

  eval "$(tests/services env)"
  tests/smtp/kills.py --bins target/release --people 1000 --rounds 10 --kills 50
  tests/smtp/kills.py --bins target/release --people 500 --rounds 4 --kills 100 --behind-250
"""

import collections
import concurrent.futures
import random
import re
import sys
import threading
import time

from running import MailServer, System, arguments, new_folder

# Longest time for everything that was sent to arrive, after the last kill: a window that a killed worker had
# waits for its lease.
PATIENCE_S = 900
# A round of which no mail came for so long, beyond the time that mails wait, is over but for those windows:
# whatever is due was claimed, so the next round cannot come into a window of this one.
QUIET_S = 6
# A worker that was killed holds its windows for so long; then their mails come again.
LEASE_S = 150
# The first kill of a round is so long before its first mail.
EARLIER_S = 2
# People told in one request.
AT_ONCE = 500
# Things told in one round: so many are in each mail. They have to be told within the time that mails wait.
THINGS = 2


class Told:
    """What each mail tells: by recipient and round, the Message-IDs, each with how many things it tells."""

    def __init__(self):
        self.by_address = collections.defaultdict(lambda: collections.defaultdict(list))

    def setdefault(self, address, _none):
        """Takes the place of the list in which a mail server keeps the mails of an address."""
        return _Mails(self.by_address[address])

    def count(self):
        return sum(len(by_round) for by_round in list(self.by_address.values()))

    def copies(self):
        return sum(len(ids) for each in list(self.by_address.values()) for ids in list(each.values()))


class _Mails:
    def __init__(self, by_round):
        self.by_round = by_round

    def append(self, mail):
        for told, count in collections.Counter(re.findall(r"^round \d+(?=,)", mail["text"], re.M)).items():
            self.by_round[told].append((mail["headers"]["message-id"], count))


def await_mails(distinct, expected, quiet_s):
    """Waits until all have come, or until none has come for so long."""
    last, since = -1, time.time()
    while (now := distinct()) < expected and time.time() - since < quiet_s:
        if now != last:
            last, since = now, time.time()
        time.sleep(0.2)


def main():
    parser = arguments(of_either_shape=False)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--grace-s", type=int, default=15)
    parser.add_argument("--port", type=int, default=28080)
    parser.add_argument("--behind-250", action="store_true")
    options = parser.parse_args()
    folder = new_folder("kills")
    expected = options.people * options.rounds
    # The last kills are long before the last mails.
    every = max(1, expected * 3 // 4 // options.kills)
    behind = ["--kill-every", every, "--kills", options.kills] if options.behind_250 else []
    told = Told()
    server = MailServer(*behind, mails=told)
    settings = {"EMAIL_GRACE_S": str(options.grace_s)}
    fleet = System("fleet", options.bins, folder, server.url, options.port, settings, email_workers=2)
    try:
        judged = run(options, fleet, server, told, expected)
        print(f"logs in {folder}")
        return judged
    finally:
        fleet.stop()
        server.stop()


def run(options, fleet, server, told, expected):
    people = [f"person-{n}" for n in range(options.people)]
    put = lambda person: fleet.ask("PUT", f"/users/{person}", {"name": person, "email": f"{person}@example.com"})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(put, people))
    subjects = [f"round {round}" for round in range(options.rounds)]
    killed, began = 0, time.time()

    def start_killed_again():
        nonlocal killed
        while True:
            said = server.events.get()
            if said["event"] == "killed":
                fleet.start_again(said["pid"])
                killed += 1

    threading.Thread(target=start_killed_again, daemon=True).start()
    for number, subject in enumerate(subjects):
        told_at = time.time()
        for at in [at for at in range(0, len(people), AT_ONCE) for _ in range(THINGS)]:
            fleet.ask("POST", "/notifications", {"userIds": people[at : at + AT_ONCE], "title": subject, "type": "news"})
        told_s = time.time() - told_at
        goal = killed + (0 if options.behind_250 else options.kills // options.rounds)
        if killed < goal:
            # The kills fall on the time in which the windows of this round become mails.
            time.sleep(max(0, told_at + options.grace_s - EARLIER_S - time.time()))
        while killed < goal:
            time.sleep(random.uniform(0.3, 1.5))
            fleet.kill(random.choice(fleet.named("email-worker")))
            killed += 1
        await_mails(told.count, (number + 1) * options.people, options.grace_s + QUIET_S)
        print(f"{subject}: told in {told_s:.0f} s, kills {killed}, mails {told.count()}, {time.time() - began:.0f} s", flush=True)
    await_mails(told.count, expected, PATIENCE_S)
    # What comes twice comes now.
    await_mails(told.copies, 2 * expected, LEASE_S)
    of = lambda person, subject: told.by_address[f"{person}@example.com"][subject]
    missing = [(person, subject) for person in people for subject in subjects if not of(person, subject)]
    mails = [by_round[subject] for by_round in told.by_address.values() for subject in subjects]
    other = [one for one in mails if len(set(one)) > 1]
    partial = [one for one in mails if one and {count for _, count in one} != {THINGS}]
    repeated = sum(len(one) - len(set(one)) for one in mails)
    print(
        f"people {options.people}, rounds {options.rounds} of {THINGS} things, kills {killed}, mails {sum(map(len, mails))}, "
        f"different mails {len({id for one in mails for id, _ in one})} of {expected} expected, missing {len(missing)}, incomplete {len(partial)}, "
        f"repeated under the same Message-ID {repeated}, more than one mail of a round {len(other)}, {time.time() - began:.0f} s"
    )
    return 1 if missing or other or partial or (options.behind_250 and killed < options.kills) else 0


if __name__ == "__main__":
    sys.exit(main())
