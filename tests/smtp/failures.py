#!/usr/bin/env python3
"""A mail server that fails in each way, behind the whole system: what becomes of each mail, and who learns of it.

Starts one process with every role against server.py and tells each person something; the address of a person
says how the server answers. Then it asks for the delivery log and the suppression list, and looks for
addresses and texts where there must be none: in the log, the metrics and the queues (dead letters among them).

  tests/smtp/failures.py --bins target/release
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).parent
SECRET = "0123456789abcdef0123456789abcdef"
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


def token():
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")
    claims = {"id": "root", "name": "Root", "role": "admin", "iat": int(time.time()), "exp": int(time.time()) + 3600}
    body = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(claims)
    tag = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    return (body + b"." + base64.urlsafe_b64encode(tag).rstrip(b"=")).decode()


class System:
    """One process with every role."""

    def __init__(self, options, folder, smtp_port):
        self.folder, self.port = folder, options.port
        self.admin = f"http://127.0.0.1:{options.port + 1}"
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("EVENTFLOW_", "RABBITMQ", "MONGODB", "REDIS"))},
            "DATA_DIR": str(folder / "data"), "JWT_SECRET": SECRET, "DEMO": "off", "LOG_LEVEL": "debug",
            "LISTEN": f"127.0.0.1:{options.port}", "ADMIN_LISTEN": f"127.0.0.1:{options.port + 1}",
            "REST_PER_MINUTE_IP": "0", "REST_PER_MINUTE_USER": "0", "BASE_URL": "http://127.0.0.1:1",
            "SMTP_URL": f"smtp://127.0.0.1:{smtp_port}?tls=none", "POSTMARK_FROM": "noreply@example.com", "EMAIL_GRACE_S": "0",
        }
        self.log = folder / "eventflow.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([pathlib.Path(options.bins) / "eventflow"], env=environment, stdout=log, stderr=log)

    def ask(self, method, path, body=None):
        headers = {"authorization": f"Bearer {token()}", "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.port}/api/v2{path}"
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=30) as answer:
            return json.load(answer)

    def metrics(self):
        with urllib.request.urlopen(f"{self.admin}/metrics", timeout=30) as answer:
            return answer.read().decode()

    def outcome(self, person):
        """What the delivery log says last about the mails of a person."""
        rows = self.ask("GET", f"/users/{person}/deliveries")["deliveries"]
        rows = [row["outcome"] for row in rows if row["channel"] == "email"]
        return next((one for one in rows if one != "held"), rows[0] if rows else None)


def eventually(what, look):
    deadline = time.time() + PATIENCE_S
    while True:
        try:
            if found := look():
                return found
        except OSError:
            pass
        if time.time() > deadline:
            raise SystemExit(f"not within {PATIENCE_S} s: {what}")
        time.sleep(0.2)


def queues(folder):
    """Everything that the tables of the broker hold, as bytes."""
    with sqlite3.connect(f"file:{folder}/data/eventflow.db?mode=ro", uri=True) as file:
        names = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'broker%'")]
        assert "broker_message" in names, names
        return names, b"".join(repr(row).encode() for name in names for row in file.execute(f'SELECT * FROM "{name}"'))


def check(system, mails):
    people = {local: f"person-{n}" for n, (local, _, _) in enumerate(TABLE)}
    for local, person in people.items():
        system.ask("PUT", f"/users/{person}", {"name": f"canary-name {local}", "email": f"{local}@canary-address.example"})
    system.ask("POST", "/notifications", {"userIds": list(people.values()), "title": "canary-title", "message": "canary-text", "type": "news"})
    for local, wanted, is_suppressed in TABLE:
        eventually(f"{local} is {wanted}, not {system.outcome(people[local])}", lambda: system.outcome(people[local]) == wanted)
    # Mails that may come through later are tried again, under the same Message-ID.
    again = eventually("a second try", lambda: (ids := mails.get("keep-then-close@canary-address.example", [])) and len(ids) > 1 and ids)
    assert len(set(again)) == 1, again
    listed = {one["address"]: one["reason"] for one in system.ask("GET", "/email/suppressions?limit=100")["suppressions"]}
    print(f"{'address':16} {'delivery log':12} suppressed")
    for local, wanted, is_suppressed in TABLE:
        outcome, suppressed = system.outcome(people[local]), f"{local}@canary-address.example" in listed
        print(f"{local:16} {outcome:12} {listed.get(f'{local}@canary-address.example', '-')}")
        assert (outcome, suppressed) == (wanted, is_suppressed), (local, outcome, suppressed)
    assert len(mails["bob@canary-address.example"]) == 1, mails
    names, held = queues(system.folder)
    for place, text in [("log", system.log.read_bytes()), ("metrics", system.metrics().encode()), (f"queues {names}", held)]:
        found = [canary for canary in CANARIES if canary.encode() in text]
        print(f"{place}: {len(text)} bytes, of addresses and texts: {len(found)}")
        assert not found, (place, found)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bins", default="target/release")
    parser.add_argument("--port", type=int, default=28180)
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="eventflow-mail-failures-"))
    packages = pathlib.Path(os.environ.get("EVENTFLOW_CACHE_DIR", pathlib.Path.home() / ".cache/eventflow")) / "python"
    server = subprocess.Popen([sys.executable, HERE / "server.py"], env={**os.environ, "PYTHONPATH": str(packages)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    port, mails = json.loads(server.stdout.readline())["port"], {}

    def received():
        for line in server.stdout:
            if mail := json.loads(line).get("mail"):
                mails.setdefault(mail["to"][0], []).append(mail["headers"]["message-id"])

    threading.Thread(target=received, daemon=True).start()
    system = System(options, folder, port)
    try:
        eventually("the system is ready", lambda: system.ask("GET", "/notifications/unread-count"))
        check(system, mails)
    finally:
        system.process.terminate()
        system.process.wait(60)
        server.stdin.close()
        server.wait(10)


main()
