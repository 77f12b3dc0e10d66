"""Mails of a fleet whose e-mail workers are killed: none is missing, and one that comes twice is the same mail.

Starts a fleet with two e-mail workers against a real mail server (server.py) on the servers of tests/services,
tells everybody something in several rounds, and kills a worker (SIGKILL) at random moments, also between the
mail server's 250 and the end of the window. Then it counts: every person has one mail of every round, and a
second mail has the Message-ID of the first.

  eval "$(tests/services env)"
  tests/smtp/kills.py --bins target/release --people 1000 --rounds 10 --kills 50
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
# A round whose mails have stopped coming for so long is over but for those windows: whatever is due was
# claimed, so the next round cannot come into a window of this one.
QUIET_S = 6
# People told in one request.
AT_ONCE = 500


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


def received(server, mails):
    """Reads what the mail server takes: by recipient, the rounds with the ids of the mails that tell of them."""
    for line in server.stdout:
        mail = json.loads(line).get("mail")
        for told in set(re.findall(r"^round \d+(?=,)", mail["text"], re.M)) if mail else ():
            mails[mail["to"][0]][told].append(mail["headers"]["message-id"])


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
    parser.add_argument("--grace-s", type=int, default=1)
    parser.add_argument("--port", type=int, default=28080)
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="eventflow-mail-kills-"))
    packages = pathlib.Path(os.environ.get("EVENTFLOW_CACHE_DIR", pathlib.Path.home() / ".cache/eventflow")) / "python"
    server = subprocess.Popen(
        [sys.executable, HERE / "server.py"], env={**os.environ, "PYTHONPATH": str(packages)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    port = json.loads(server.stdout.readline())["port"]
    mails = collections.defaultdict(lambda: collections.defaultdict(list))
    threading.Thread(target=received, args=(server, mails), daemon=True).start()
    fleet = Fleet(options, folder, port)
    try:
        fleet.await_ready()
        people = [f"person-{n}" for n in range(options.people)]
        put = lambda person: fleet.ask("PUT", f"/users/{person}", {"name": person, "email": f"{person}@example.com"})
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(put, people))
        subjects = [f"round {round}" for round in range(options.rounds)]
        expected = options.people * options.rounds
        distinct = lambda: sum(len(by_subject) for by_subject in list(mails.values()))
        killed, began = 0, time.time()
        for subject in subjects:
            for at in range(0, len(people), AT_ONCE):
                fleet.ask("POST", "/notifications", {"userIds": people[at : at + AT_ONCE], "title": subject, "type": "news"})
            goal = killed + options.kills // options.rounds
            while killed < goal:
                time.sleep(random.uniform(0.3, 1.5))
                fleet.kill(random.choice(fleet.workers()))
                killed += 1
            await_mails(distinct, (subjects.index(subject) + 1) * options.people, QUIET_S)
            print(f"{subject}: kills {killed}, mails {distinct()}, {time.time() - began:.0f} s", flush=True)
        await_mails(distinct, expected, PATIENCE_S)
        # What comes twice comes now.
        await_mails(lambda: sum(len(ids) for each in list(mails.values()) for ids in list(each.values())), 2 * expected, QUIET_S)
        missing = [(person, subject) for person in people for subject in subjects if not mails[f"{person}@example.com"][subject]]
        twice = [ids for by_subject in mails.values() for ids in by_subject.values() if len(ids) > 1]
        other = [ids for ids in twice if len(set(ids)) > 1]
        total = sum(len(ids) for by_subject in mails.values() for ids in by_subject.values())
        print(
            f"people {options.people}, rounds {options.rounds}, kills {killed}, mails {total} of {expected} expected, missing {len(missing)}, "
            f"repeated under the same Message-ID {len(twice) - len(other)}, doubled as another mail {len(other)}, {time.time() - began:.0f} s"
        )
        print(f"logs in {folder}")
        sys.exit(1 if missing or other else 0)
    finally:
        fleet.stop()
        server.stdin.close()
        server.wait(10)


main()
