"""What the scripts of this folder run: a mail server (server.py), and a system that sends to it.

A system is one process with every role, or a fleet with one process for each role on the servers of
tests/services. Both are asked by REST, as an administrator.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import pathlib
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

HERE = pathlib.Path(__file__).parent
SECRET = "0123456789abcdef0123456789abcdef"
FLEET = ["persistence-worker", "fanout-worker", "presence-sweeper", "push-worker", "ws-gateway", "http-gateway"]
SERVERS = ("RABBITMQ", "MONGODB", "REDIS")
START_S, END_S = 120, 60
# Longest time for which a system is too busy to take a request.
BUSY_S = 120
# Tokens hold for as long as any clock of these scripts is ahead.
LIFE_S = 5 * 365 * 24 * 3600


def arguments(of_either_shape=True):
    """The arguments that these scripts share; a script adds its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bins", default="target/release")
    if of_either_shape:
        parser.add_argument("--shape", choices=["single", "fleet"], default="single")
    return parser


def new_folder(name):
    """A folder for the data and the logs of a run."""
    return pathlib.Path(tempfile.mkdtemp(prefix=f"eventflow-mail-{name}-"))


def token(user="root", role="admin"):
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")
    claims = {"id": user, "name": user, "role": role, "iat": int(time.time()), "exp": int(time.time()) + LIFE_S}
    body = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(claims)
    tag = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    return (body + b"." + base64.urlsafe_b64encode(tag).rstrip(b"=")).decode()


def eventually(what, look, patience_s=90):
    """Looks until there is something, and gives it."""
    deadline = time.time() + patience_s
    while True:
        try:
            if found := look():
                return found
        except OSError:
            pass
        if time.time() > deadline:
            raise SystemExit(f"not within {patience_s} s: {what() if callable(what) else what}")
        time.sleep(0.2)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def management(method, path, body=None):
    """Asks RabbitMQ's management."""
    url = urllib.parse.urlsplit(os.environ["RABBITMQ_MANAGEMENT_URL"])
    credentials = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    headers = {"authorization": f"Basic {credentials}", "content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://{url.hostname}:{url.port}/api/{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"null")


class Clock:
    """The time of day of a system, which jumps where a script sets it. Timers run as ever (tests/wrong_clock.c)."""

    def __init__(self, folder):
        self.file, self.ahead_s = folder / "clock", 0.0
        self.file.write_bytes(bytes(8))
        library = folder / "clock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, HERE.parent / "wrong_clock.c"], check=True)
        self.settings = {"LD_PRELOAD": str(library), "WRONG_CLOCK_FILE": str(self.file)}

    def now(self):
        return time.time() + self.ahead_s

    def go_to(self, at):
        self.ahead_s = at - time.time()
        # The file is mapped by the process: its bytes change in place.
        with open(self.file, "r+b") as file:
            file.write(int(self.ahead_s * 1e9).to_bytes(8, sys.byteorder, signed=True))

    def advance(self, seconds):
        self.go_to(self.now() + seconds)


class MailServer:
    """The mail server of the tests. `mails` has what it took, by recipient; `events` what else it says."""

    def __init__(self, *options, mails=None):
        packages = pathlib.Path(os.environ.get("EVENTFLOW_CACHE_DIR", pathlib.Path.home() / ".cache/eventflow")) / "python"
        self.mails, self.events = {} if mails is None else mails, queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, HERE / "server.py", *map(str, options)], env={**os.environ, "PYTHONPATH": str(packages)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        said = json.loads(self.process.stdout.readline())
        self.port, self.ca = said["port"], said["ca"]
        self.url = f"smtp://127.0.0.1:{self.port}?tls=none"
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            said = json.loads(line)
            if mail := said.get("mail"):
                self.mails.setdefault(mail["to"][0], []).append(mail)
            else:
                self.events.put(said)

    def ids(self, address):
        """The Message-ID of each mail that came for an address."""
        return [mail["headers"]["message-id"] for mail in self.mails.get(address, [])]

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


class System:
    """`shape` is single or fleet. A fleet has a vhost and a database of its own, and so many e-mail workers. Clients
    come in by `host`, and requests of the script by this machine's own address."""

    def __init__(self, shape, bins, folder, smtp_url, port, settings=None, email_workers=1, wrapper=(), host="127.0.0.1"):
        self.shape, self.bins, self.folder, self.port, self.host = shape, pathlib.Path(bins), pathlib.Path(folder), port, host
        self.wrapper, self.processes, self.admin_ports = list(wrapper), {}, {}
        self.socket_port = port if shape == "single" else free_port()
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("EVENTFLOW_", *SERVERS))}
        self.environment = {
            **kept, **(self._servers() if shape == "fleet" else {"DATA_DIR": str(self.folder / "data")}),
            "JWT_SECRET": SECRET, "DEMO": "off", "REST_PER_MINUTE_IP": "0", "REST_PER_MINUTE_USER": "0", "EVENTS_PER_MINUTE": "0",
            "BASE_URL": "http://127.0.0.1:1", "SMTP_URL": smtp_url, "POSTMARK_FROM": "noreply@example.com", **(settings or {}),
        }
        roles = ["eventflow"] if shape == "single" else [*FLEET, *["email-worker"] * email_workers]
        for at, role in enumerate(roles):
            self.start(role if roles.count(role) == 1 else f"{role}-{at}", role)
        # Until a worker takes what gateways send, they say 503.
        eventually("the system is ready", lambda: self.ask("PUT", "/users/root", {"name": "root"}), START_S)

    def _servers(self):
        name = f"{self.folder.name}-{os.getpid()}"
        user = urllib.parse.urlsplit(os.environ["RABBITMQ_URL"]).username
        management("PUT", f"vhosts/{name}")
        management("PUT", f"permissions/{name}/{user}", {"configure": ".*", "write": ".*", "read": ".*"})
        base, query = os.environ["MONGODB_URI"].split("?")
        self.vhost = name
        return {
            "RABBITMQ_URL": os.environ["RABBITMQ_URL"].rsplit("/", 1)[0] + "/" + name,
            "MONGODB_URI": base.rsplit("/", 1)[0] + "/" + name + "?" + query,
            "REDIS_URL": os.environ["REDIS_URL"],
        }

    def start(self, name, role):
        listen = {"http-gateway": self.port, "eventflow": self.port, "ws-gateway": self.socket_port}.get(role, 0)
        self.admin_ports.setdefault(name, free_port())
        environment = {**self.environment, "LISTEN": f"{self.host}:{listen}", "ADMIN_LISTEN": f"127.0.0.1:{self.admin_ports[name]}"}
        with open(self.folder / f"{name}.log", "ab") as log:
            command = [*self.wrapper, self.bins / role]
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.processes[name] = (role, process)

    def named(self, role):
        """The processes that have a role; a single process has all."""
        return [name for name, (own, _) in self.processes.items() if own in (role, "eventflow")]

    def kill(self, name):
        """SIGKILL, and starts it again."""
        role, process = self.processes[name]
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.start(name, role)

    def start_again(self, pid):
        """Starts again what was killed under this id."""
        name, (role, process) = next(one for one in self.processes.items() if one[1][1].pid == pid)
        process.wait()
        self.start(name, role)

    def stop(self):
        for _, process in self.processes.values():
            process.terminate()
        for _, process in self.processes.values():
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
        if self.shape == "fleet":
            management("DELETE", f"vhosts/{self.vhost}")

    def ask(self, method, path, body=None, user="root", role="admin"):
        """As a client does: what is refused with 503 is asked again, under the same key."""
        headers = {"authorization": f"Bearer {token(user, role)}", "content-type": "application/json"}
        if method == "POST":
            headers["idempotency-key"] = str(uuid.uuid4())
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v2{path}", data, headers, method=method)
        deadline = time.time() + BUSY_S
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as refused:
                if refused.code != 503 or time.time() > deadline:
                    raise
                time.sleep(1)

    def metrics(self, role):
        """The metrics of every process with this role."""
        texts = []
        for name in self.named(role):
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_ports[name]}/metrics", timeout=30) as answer:
                texts.append(answer.read().decode())
        return "\n".join(texts)

    def all_metrics(self):
        return "\n".join(self.metrics(role) for role in sorted({role for role, _ in self.processes.values()}))

    def metric(self, role, series):
        """The sum of a series over every process with this role."""
        lines = (line.rsplit(" ", 1) for line in self.metrics(role).splitlines())
        return sum(float(line[1]) for line in lines if line[0] == series)

    def logs(self):
        return b"".join(path.read_bytes() for path in self.folder.glob("*.log"))

    def rows(self, person, channel="email"):
        """The newest rows of a person's delivery log about a channel, the last first."""
        return [row for row in self.ask("GET", f"/users/{person}/deliveries?limit=100")["deliveries"] if row["channel"] == channel]

    def outcome(self, person, channel="email"):
        """What the delivery log says last; `held` only if nothing else was said."""
        said = [row["outcome"] for row in self.rows(person, channel)]
        return next((one for one in said if one != "held"), said[0] if said else None)
