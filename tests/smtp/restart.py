#!/usr/bin/env python3
"""Mails that wait on the retry ladder while the broker is killed: each comes, once.

The mail server puts every mail off four times, so that all of them wait on the rung of two minutes. Then the
broker is killed (SIGKILL) and started again: RabbitMQ of a fleet, or the one process with its embedded broker.

  tests/smtp/restart.py --bins target/release
  eval "$(tests/services env)"; tests/smtp/restart.py --bins target/release --shape fleet

A fleet needs servers of its own (EVENTFLOW_SERVICES_DIR, EVENTFLOW_SERVICES_PORT_SHIFT), since RabbitMQ is killed.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from running import HERE, MailServer, System, arguments, eventually, free_port, management, new_folder

# The rungs are 1 s, 5 s, 30 s and 2 min: after so many failures a mail is on the last of these.
PUT_OFF = 4
# So long a mail waits there, and so much longer a busy machine may need for all of them.
RUNG_S, REST_S = 120, 600
SERVICES = HERE.parent / "services"
# Mails that are told to people in one request.
AT_ONCE = 500


def waiting_on_the_ladder(system):
    """Messages in RabbitMQ's retry queues; the numbers are some seconds old."""
    queues = management("GET", f"queues/{system.vhost}")
    return sum(queue.get("messages", 0) for queue in queues if queue["name"].startswith("retry."))


def kill_the_broker(system, count):
    """Kills it once all wait, starts it again, and gives how many waited."""
    if system.shape == "single":
        system.kill("eventflow")
        return count
    seen = eventually("all are on the ladder", lambda: (seen := waiting_on_the_ladder(system)) >= count and seen, 30)
    subprocess.run([SERVICES, "kill", "rabbitmq"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([SERVICES, "start", "rabbitmq"], check=True, stdout=subprocess.DEVNULL)
    return seen


def main():
    parser = arguments()
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    folder = new_folder("restart")
    server = MailServer()
    settings = {"EMAIL_GRACE_S": "0"}
    system = System(options.shape, options.bins, folder, server.url, options.port or free_port(), settings, email_workers=2)
    try:
        return run(options, system, server)
    finally:
        system.stop()
        server.stop()


def run(options, system, server):
    people = {f"person-{n}": f"later-{PUT_OFF}-450-{n}@example.com" for n in range(options.people)}
    put = lambda one: system.ask("PUT", f"/users/{one}", {"name": one, "email": people[one]})
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, people))
    names, began = list(people), time.time()
    for at in range(0, len(names), AT_ONCE):
        system.ask("POST", "/notifications", {"userIds": names[at : at + AT_ONCE], "title": "On the ladder", "type": "news"})
    put_off = 0

    def all_are_put_off():
        nonlocal put_off
        while not server.events.empty():
            put_off += server.events.get()["event"] == "put off"
        return put_off >= PUT_OFF * len(people)

    eventually(lambda: f"put off {put_off} times", all_are_put_off, REST_S)
    last_put_off = time.time()
    waited = kill_the_broker(system, len(people))
    assert not server.mails, "nothing came before the kill"
    print(f"shape {options.shape}: {put_off} answers 450; killed with {waited} on the ladder, back {time.time() - last_put_off:.0f} s later", flush=True)
    come = lambda: sum(1 for address in people.values() if server.mails.get(address))
    eventually(lambda: f"{come()} of {len(people)} mails", lambda: come() == len(people), RUNG_S + REST_S)
    took = time.time() - last_put_off
    # What comes twice comes soon: two jobs for one window are a few seconds apart.
    time.sleep(20)
    copies = {address: server.ids(address) for address in people.values()}
    again = {address: ids for address, ids in copies.items() if len(ids) != 1}
    outcomes = {system.outcome(one) for one in names[:: max(1, len(names) // 50)]}
    print(f"{come()} of {len(people)} mails, {sum(map(len, copies.values()))} copies, the last {took:.0f} s after it was put off; "
          f"more than once: {len(again)}; the log says {outcomes}; in all {time.time() - began:.0f} s")
    letters = system.ask("GET", "/ops/dead-letters?limit=10")["letters"]
    print(f"dead letters: {len(letters)}")
    return 1 if again or letters or outcomes != {"sent"} else 0


if __name__ == "__main__":
    sys.exit(main())
