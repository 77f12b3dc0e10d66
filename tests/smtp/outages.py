#!/usr/bin/env python3
"""A mail server that is away in each way, behind a whole system: mails wait and come once, and nothing
else waits with them.

Per outage: the mail server gives way to one that fails, people are told something by mail, push and inbox, and
then the good one is back. While it is away the breaker opens, the e-mail workers hold few connections, and
pushes (into the outbox, since there is no provider) and inboxes are told at once. Afterwards everybody gets
their mail, once, and nothing is a dead letter.

  tests/smtp/outages.py --bins target/release
  eval "$(tests/services env)"; tests/smtp/outages.py --bins target/release --shape fleet
"""

import pathlib
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from running import MailServer, System, arguments, eventually, free_port, new_folder

GOOD = ["--tls", "starttls"]
# Each outage: what it is called, and the mail server that stands there meanwhile; None for no server.
OUTAGES = [
    ("refuses connections", None),
    ("hangs after EHLO", [*GOOD, "--hang", "ehlo"]),
    ("421 to EHLO", [*GOOD, "--answer", "ehlo=421"]),
    ("421 to MAIL FROM", [*GOOD, "--answer", "mail=421"]),
    ("451 to MAIL FROM", [*GOOD, "--answer", "mail=451"]),
    ("550 to MAIL FROM", [*GOOD, "--answer", "mail=550"]),
    ("has no STARTTLS", ["--tls", "none"]),
    ("another certificate", [*GOOD, "--folder", "other"]),
]
# People told during each outage: more than a worker has connections, fewer than need a second page of a log.
PEOPLE = 24
# A worker has four connections for mails, and asks by one more whether the server is back.
CONNECTIONS_PER_WORKER = 5
# Pushes and inboxes must not wait for the mail server: a busy machine needs some seconds for all of them.
OTHERS_S = 20
# Mails that met the outage climb the ladder (1 s, 5 s, 30 s), and the server is asked again once a minute.
PATIENCE_S = 240
# A server that says nothing is given up after 20 s, and then it is asked once more.
OPENS_S = 120


def connections_to(port):
    """Connections of this machine to a port that are open, from the side that opened them."""
    rows = (line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:])
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


class Watch:
    """The most connections to a port at a time, until `stop`."""

    def __init__(self, port):
        self.port, self.most, self.is_over = port, 0, False
        self.thread = threading.Thread(target=self._look)
        self.thread.start()

    def _look(self):
        while not self.is_over:
            self.most = max(self.most, connections_to(self.port))
            time.sleep(0.02)

    def stop(self):
        self.is_over = True
        self.thread.join()
        return self.most


def everybody(people, act):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(act, people))


def run_outage(system, server_of, mails, number, words, options, workers):
    """One outage. Gives the row of the table."""
    people = [f"person-{number}-{n}" for n in range(PEOPLE)]
    address = "{}@example.com".format
    everybody(people, lambda one: system.ask("PUT", f"/users/{one}", {"name": one, "email": address(one)}))
    everybody(people, lambda one: system.ask("POST", "/devices", {"fcmToken": f"app-{one}"}, user=one, role="user"))
    server_of["good"].stop()
    bad = None if options is None else MailServer(*options, "--port", server_of["port"], mails=mails)
    watch, began = Watch(server_of["port"]), time.time()
    system.ask("POST", "/notifications", {"userIds": people, "title": "During an outage", "message": words, "type": "news"})
    pushed = lambda: all(everybody(people, lambda one: system.outcome(one, "push") == "sent"))
    eventually("all pushes are told", pushed, OTHERS_S)
    others_s = time.time() - began
    unread = everybody(people, lambda one: system.ask("GET", "/notifications/unread-count", user=one, role="user")["unreadCount"])
    assert unread == [1] * PEOPLE, unread
    eventually("the breaker is open", lambda: system.metric("email-worker", "eventflow_email_breaker_open") > 0, OPENS_S)
    opened_s = time.time() - began
    assert not [one for one in people if mails.get(address(one))], "no mail came while the server was away"
    most = watch.stop()
    assert most <= CONNECTIONS_PER_WORKER * workers, most
    if bad:
        bad.stop()
    server_of["good"] = MailServer(*GOOD, "--port", server_of["port"], "--folder", server_of["folder"], mails=mails)
    back = time.time()
    sent = lambda: all(everybody(people, lambda one: mails.get(address(one)) and system.outcome(one) == "sent"))
    late = lambda: f"mails of {[(one, system.outcome(one)) for one in people if not mails.get(address(one))]}"
    eventually(late, sent, PATIENCE_S)
    back_s = time.time() - back
    eventually("the breaker is closed", lambda: system.metric("email-worker", "eventflow_email_breaker_open") == 0)
    copies = {one: server_of["good"].ids(address(one)) for one in people}
    assert all(len(ids) == 1 for ids in copies.values()), copies
    answers = {row["answer"] for one in people for row in system.rows(one) if row["outcome"] == "held" and row.get("waitsFor") == "provider"}
    return [words, f"{opened_s:.0f}", f"{others_s:.1f}", str(most), f"{back_s:.0f}", f"{PEOPLE} of {PEOPLE}", "; ".join(sorted(answers)) or "-"]


def main():
    parser = arguments()
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    folder = new_folder("outages")
    for name in ("good", "other"):
        (folder / name).mkdir()
    mails = {}
    good = MailServer(*GOOD, "--folder", folder / "good", mails=mails)
    server_of = {"good": good, "port": good.port, "folder": folder / "good"}
    workers = 2 if options.shape == "fleet" else 1
    settings = {"DEMO": "on", "EMAIL_GRACE_S": "0", "PUSH_GRACE_S": "0"}
    url = f"smtp://localhost:{good.port}?ca={good.ca}"
    system = System(options.shape, options.bins, folder, url, options.port or free_port(), settings, email_workers=workers)
    try:
        print(f"shape {options.shape}, e-mail workers {workers}, people of each outage {PEOPLE}", flush=True)
        print("the mail server | breaker open after s | pushes and inboxes after s | connections at most | back: all mails after s | exactly one mail | the log says meanwhile")
        for number, (words, of_bad) in enumerate(OUTAGES):
            of_bad = of_bad and [folder / one if one == "other" else one for one in of_bad]
            if of_bad and "--folder" not in of_bad and "starttls" in of_bad:
                of_bad = [*of_bad, "--folder", folder / "good"]
            print(" | ".join(run_outage(system, server_of, mails, number, words, of_bad, workers)), flush=True)
        letters = system.ask("GET", "/ops/dead-letters?limit=10")["letters"]
        print(f"dead letters: {len(letters)}")
        assert letters == [], letters
        total = sum(len(of_one) for of_one in mails.values())
        assert total == len(OUTAGES) * PEOPLE, f"{total} mails"
        print(f"{total} mails for {len(OUTAGES) * PEOPLE} people, each one once")
    finally:
        system.stop()
        server_of["good"].stop()


if __name__ == "__main__":
    sys.exit(main())
