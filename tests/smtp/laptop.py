#!/usr/bin/env python3
"""Somebody closes their laptop, and a second later somebody writes to them: they get a mail within a minute.

The official client runs in a network namespace of its own. Closing the laptop takes its network away and stops
its process: no FIN, no answer to a ping, not even the acknowledgement of a packet. Opened again, the laptop has
the message, and nobody is told a second time; what is written then comes by the socket alone.

  tests/smtp/laptop.py --bins target/release
  eval "$(tests/services env)"; tests/smtp/laptop.py --bins target/release --shape fleet

Needs root and iproute2, and the client of `tests/services node`.
"""

import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import threading
import time

from running import MailServer, System, arguments, eventually, free_port, new_folder, token

NOTIFIED_WITHIN_S = 60
# Whoever is back is not told again by what was still under way: leases, sweeps and windows end by then.
QUIET_S = 75
NET = "10.77.9"
CLIENT = """
const { io } = require('socket.io-client');
const [url, token] = process.argv.slice(1);
const say = what => console.log(JSON.stringify(what));
const socket = io(url, { auth: { token }, transports: ['websocket'] });
socket.on('connect', () => say({ event: 'connect', recovered: socket.recovered }));
socket.on('disconnect', reason => say({ event: 'disconnect', reason }));
socket.on('connect_error', error => say({ event: 'connect_error', message: error.message }));
socket.onAny((event, body) => say({ event, content: body?.message?.content }));
"""


class Laptop:
    """The official client in a network of its own."""

    def __init__(self, name):
        self.name, self.events, self.heard = name, queue.Queue(), []
        self._sh(f"ip netns add {name}", f"ip link add {name} type veth peer name eth0 netns {name}", f"ip addr add {NET}.1/24 dev {name}")
        self._sh(f"ip link set {name} up", f"ip -n {name} addr add {NET}.2/24 dev eth0", f"ip -n {name} link set eth0 up")
        self.process = None

    @staticmethod
    def _sh(*commands):
        for command in commands:
            subprocess.run(command.split(), check=True)

    def start(self, port, person):
        modules = pathlib.Path(os.environ.get("EVENTFLOW_CACHE_DIR", pathlib.Path.home() / ".cache/eventflow")) / "node/node_modules"
        command = ["ip", "netns", "exec", self.name, "node", "-e", CLIENT, f"http://{NET}.1:{port}", token(person, "user")]
        self.process = subprocess.Popen(command, env={**os.environ, "NODE_PATH": str(modules)}, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=lambda: [self.events.put(json.loads(line)) for line in self.process.stdout], daemon=True).start()

    def hears(self, event, patience_s=90):
        """The next event of this name."""
        deadline = time.time() + patience_s
        while (left := deadline - time.time()) > 0:
            try:
                said = self.events.get(timeout=left)
            except queue.Empty:
                break
            self.heard.append(said)
            if said["event"] == event:
                return said
        raise SystemExit(f"the client does not hear {event}, but {self.heard}")

    def close(self):
        self._sh(f"ip -n {self.name} link set eth0 down")
        self.process.send_signal(signal.SIGSTOP)

    def open(self):
        self.process.send_signal(signal.SIGCONT)
        self._sh(f"ip -n {self.name} link set eth0 up")

    def remove(self):
        if self.process:
            self.process.kill()
        subprocess.run(["ip", "netns", "del", self.name], check=False)


def run(system, server, laptop):
    system.ask("PUT", "/users/ben", {"name": "Ben", "email": "ben@example.com"})
    thread = system.ask("POST", "/messages/threads", {"participants": ["ben"]}, user="ann", role="user")["thread"]["_id"]
    write = lambda content: system.ask("POST", f"/messages/{thread}", {"content": content}, user="ann", role="user")
    laptop.start(system.socket_port, "ben")
    laptop.hears("connect")
    write("while it is open")
    assert laptop.hears("message:received")["content"] == "while it is open"
    system.ask("POST", f"/messages/threads/{thread}/read", user="ben", role="user")
    time.sleep(2)
    laptop.close()
    cut = time.time()
    time.sleep(1)
    write("are you there?")
    eventually("the mail", lambda: server.mails.get("ben@example.com"), NOTIFIED_WITHIN_S + 30)
    took = time.time() - cut
    assert "are you there?" in server.mails["ben@example.com"][0]["text"], server.mails
    assert "while it is open" not in server.mails["ben@example.com"][0]["text"], "that was read"
    laptop.open()
    back = laptop.hears("connect")
    history = system.ask("GET", f"/messages/{thread}", user="ben", role="user")["messages"]
    assert len(history) == 2, history
    write("there you are")
    while laptop.hears("message:received")["content"] != "there you are":
        pass
    system.ask("POST", f"/messages/threads/{thread}/read", user="ben", role="user")
    time.sleep(QUIET_S)
    mails = len(server.mails["ben@example.com"])
    print(f"shape {system.shape}: a mail {took:.1f} s after the laptop was closed; back (recovered: {back['recovered']}): mails {mails}, "
          f"the log says {[row['outcome'] + ' ' + row.get('reason', '') for row in reversed(system.rows('ben'))]}")
    return 0 if took <= NOTIFIED_WITHIN_S and mails == 1 else 1


def main():
    options = arguments().parse_args()
    folder = new_folder("laptop")
    server = MailServer()
    settings = {"EMAIL_GRACE_S": "0"}
    laptop = Laptop(f"lap{os.getpid()}")
    try:
        system = System(options.shape, options.bins, folder, server.url, free_port(), settings, host="0.0.0.0")
        try:
            return run(system, server, laptop)
        finally:
            system.stop()
    finally:
        laptop.remove()
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
