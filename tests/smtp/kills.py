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

import argparse
import base64
import collections
import concurrent.futures
import hashlib
import hmac
import json
import os
import pathlib
import queue
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).parent
SECRET = "0123456789abcdef0123456789abcdef"
ROLES = ["persistence-worker", "fanout-worker", "presence-sweeper", "ws-gateway", "http-gateway"]
# Longest time for everything that was sent to arrive, after the last kill: a window that a killed worker had
# waits for its lease.
PATIENCE_S = 900
# A round of which no mail came for so long, beyond the time that mails wait, is over but for those windows:
# whatever is due was claimed, so the next round cannot come into a window of this one.
QUIET_S = 6
# A worker that was killed holds its windows for so long; then their mails come again.
LEASE_S = 150
# People told in one request.
AT_ONCE = 500
# Things told in one round: so many are in each mail. They have to be told within the time that mails wait.
THINGS = 2


def token():
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")
    claims = {"id": "root", "name": "Root", "role": "admin", "iat": int(time.time()), "exp": int(time.time()) + 36000}
    body = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(claims)
    tag = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    return (body + b"." + base64.urlsafe_b64encode(tag).rstrip(b"=")).decode()


class Fleet:
    def __init__(self, options, folder, smtp_port):
        self.bins, self.folder, self.options = pathlib.Path(options.bins), folder, options
        name = f"mail-kills-{os.getpid()}"
        vhost = f"{os.environ['RABBITMQ_MANAGEMENT_URL']}/api/vhosts/{name}"
        subprocess.run(["curl", "-sf", "-X", "PUT", vhost], check=True)
        user = os.environ["RABBITMQ_URL"].split("//")[1].split(":")[0]
        rights = f"{os.environ['RABBITMQ_MANAGEMENT_URL']}/api/permissions/{name}/{user}"
        body = '{"configure":".*","write":".*","read":".*"}'
        subprocess.run(["curl", "-sf", "-X", "PUT", rights, "-H", "content-type: application/json", "-d", body], check=True)
        base, query = os.environ["MONGODB_URI"].split("?")
        self.port = options.port
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("EVENTFLOW_")},
            "RABBITMQ_URL": os.environ["RABBITMQ_URL"].rsplit("/", 1)[0] + "/" + name,
            "MONGODB_URI": base.rsplit("/", 1)[0] + "/" + name + "?" + query,
            "REDIS_URL": "memory:",
            "JWT_SECRET": SECRET,
            "REST_PER_MINUTE_IP": "0",
            "REST_PER_MINUTE_USER": "0",
            "BASE_URL": "http://127.0.0.1:1",
            "DEMO": "off",
            "SMTP_URL": f"smtp://127.0.0.1:{smtp_port}?tls=none",
            "POSTMARK_FROM": "noreply@example.com",
            "EMAIL_GRACE_S": str(options.grace_s),
        }
        self.processes = {}
        for at, role in enumerate([*ROLES, "email-worker", "email-worker"]):
            self.start(f"{role}-{at}", role)

    def start(self, name, role):
        port = self.port if role == "http-gateway" else 0
        environment = {**self.environment, "LISTEN": f"127.0.0.1:{port}", "ADMIN_LISTEN": "127.0.0.1:0"}
        log = open(self.folder / f"{name}.log", "ab")
        process = subprocess.Popen([self.bins / role], env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.processes[name] = (role, process)

    def start_again(self, pid):
        """Starts again what was killed under this id."""
        name, (role, process) = next(one for one in self.processes.items() if one[1][1].pid == pid)
        process.wait()
        self.start(name, role)

    def workers(self):
        return [name for name, (role, _) in self.processes.items() if role == "email-worker"]

    def kill(self, name):
        role, process = self.processes[name]
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.start(name, role)

    def stop(self):
        for _, process in self.processes.values():
            process.terminate()
        for _, process in self.processes.values():
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()

    def ask(self, method, path, body=None):
        url = f"http://127.0.0.1:{self.port}/api/v2{path}"
        headers = {"authorization": f"Bearer {token()}", "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=60) as answer:
            return json.load(answer)

    def await_ready(self):
        deadline = time.time() + 120
        while True:
            try:
                return self.ask("GET", "/notifications/unread-count")
            except OSError:
                if time.time() > deadline:
                    raise
                time.sleep(0.5)


def received(server, mails, killed):
    """Reads what the mail server says: by recipient and round, the mails with how many things they tell; and
    the senders that it has killed."""
    for line in server.stdout:
        said = json.loads(line)
        if said.get("event") == "killed":
            killed.put(said["pid"])
        mail = said.get("mail")
        things = collections.Counter(re.findall(r"^round \d+(?=,)", mail["text"], re.M)) if mail else {}
        for told, count in things.items():
            mails[mail["to"][0]][told].append((mail["headers"]["message-id"], count))


def await_mails(distinct, expected, quiet_s):
    """Waits until all have come, or until none has come for so long."""
    last, since = -1, time.time()
    while (now := distinct()) < expected and time.time() - since < quiet_s:
        if now != last:
            last, since = now, time.time()
        time.sleep(0.2)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bins", default="target/release")
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--grace-s", type=int, default=15)
    parser.add_argument("--port", type=int, default=28080)
    parser.add_argument("--behind-250", action="store_true")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="eventflow-mail-kills-"))
    packages = pathlib.Path(os.environ.get("EVENTFLOW_CACHE_DIR", pathlib.Path.home() / ".cache/eventflow")) / "python"
    expected = options.people * options.rounds
    # The last kills are long before the last mails.
    every = max(1, expected * 3 // 4 // options.kills)
    behind = ["--kill-every", str(every), "--kills", str(options.kills)] if options.behind_250 else []
    server = subprocess.Popen(
        [sys.executable, HERE / "server.py", *behind], env={**os.environ, "PYTHONPATH": str(packages)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    port = json.loads(server.stdout.readline())["port"]
    mails = collections.defaultdict(lambda: collections.defaultdict(list))
    behind_250 = queue.Queue()
    threading.Thread(target=received, args=(server, mails, behind_250), daemon=True).start()
    fleet = Fleet(options, folder, port)
    try:
        fleet.await_ready()
        people = [f"person-{n}" for n in range(options.people)]
        put = lambda person: fleet.ask("PUT", f"/users/{person}", {"name": person, "email": f"{person}@example.com"})
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(put, people))
        subjects = [f"round {round}" for round in range(options.rounds)]
        distinct = lambda: sum(len(by_subject) for by_subject in list(mails.values()))
        killed, began = 0, time.time()

        def start_killed_again():
            nonlocal killed
            while True:
                fleet.start_again(behind_250.get())
                killed += 1

        threading.Thread(target=start_killed_again, daemon=True).start()
        for subject in subjects:
            for at in [at for at in range(0, len(people), AT_ONCE) for _ in range(THINGS)]:
                fleet.ask("POST", "/notifications", {"userIds": people[at : at + AT_ONCE], "title": subject, "type": "news"})
            goal = killed + (0 if options.behind_250 else options.kills // options.rounds)
            while killed < goal:
                time.sleep(random.uniform(0.3, 1.5))
                fleet.kill(random.choice(fleet.workers()))
                killed += 1
            await_mails(distinct, (subjects.index(subject) + 1) * options.people, options.grace_s + QUIET_S)
            print(f"{subject}: kills {killed}, mails {distinct()}, {time.time() - began:.0f} s", flush=True)
        await_mails(distinct, expected, PATIENCE_S)
        # What comes twice comes now.
        await_mails(lambda: sum(len(ids) for each in list(mails.values()) for ids in list(each.values())), 2 * expected, LEASE_S)
        missing = [(person, subject) for person in people for subject in subjects if not mails[f"{person}@example.com"][subject]]
        told = [by_subject[subject] for by_subject in mails.values() for subject in subjects]
        other = [one for one in told if len(set(one)) > 1]
        partial = [one for one in told if one and {count for _, count in one} != {THINGS}]
        repeated = sum(len(one) - len(set(one)) for one in told)
        print(
            f"people {options.people}, rounds {options.rounds} of {THINGS} things, kills {killed}, mails {sum(map(len, told))}, "
            f"different mails {len({id for one in told for id, _ in one})} of {expected} expected, missing {len(missing)}, incomplete {len(partial)}, "
            f"repeated under the same Message-ID {repeated}, more than one mail of a round {len(other)}, {time.time() - began:.0f} s"
        )
        print(f"logs in {folder}")
        sys.exit(1 if missing or other or partial or (options.behind_250 and killed < options.kills) else 0)
    finally:
        fleet.stop()
        server.stdin.close()
        server.wait(10)


main()
