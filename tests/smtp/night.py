#!/usr/bin/env python3
"""Nights of quiet hours over which the clocks change, in two time zones: twenty messages are one mail, right after
the end.

One process runs under a clock that jumps from message to message through each night. Ann writes to somebody in
Berlin or New York whose quiet hours are from ten in the evening to seven in the morning. Until the last seconds of
the night no mail comes; then one comes that tells of all twenty, and none after it.

  tests/smtp/night.py --bins target/release

Needs a C compiler.
"""

import datetime
import sys
import time

from running import Clock, MailServer, System, arguments, eventually, free_port, new_folder

MESSAGES = 20
# The night's place, and its quiet hours in UTC: the hour that is missing or comes twice is in them.
NIGHTS = [
    ("America/New_York", "2027-03-14T03:00:00Z", "2027-03-14T11:00:00Z"),
    ("Europe/Berlin", "2027-03-27T21:00:00Z", "2027-03-28T05:00:00Z"),
    ("Europe/Berlin", "2027-10-30T20:00:00Z", "2027-10-31T06:00:00Z"),
    ("America/New_York", "2027-11-07T02:00:00Z", "2027-11-07T12:00:00Z"),
]
# The script looks from so long before the end.
BEFORE_S = 5
# Right after the end: a look for what is due each second, the decision anew, and the mail.
WITHIN_S = 10


def moment(iso):
    return datetime.datetime.fromisoformat(iso.replace("Z", "+00:00")).timestamp()


def night(system, server, clock, number, place, begin, end):
    sleeper = place.lower().replace("/", "-")
    address = f"{sleeper}@example.com"
    system.ask("PUT", f"/users/{sleeper}", {"name": place, "email": address})
    quiet = {"timeZone": place, "quietHours": {"from": "22:00", "until": "07:00"}}
    before = len(server.mails.get(address, []))
    clock.go_to(begin + 1)
    system.ask("PATCH", "/notifications/preferences", quiet, user=sleeper, role="user")
    thread = system.ask("POST", "/messages/threads", {"participants": [sleeper]}, user="ann", role="user")["thread"]["_id"]
    for n in range(MESSAGES):
        clock.go_to(begin + 60 + n * (end - begin - 120) / MESSAGES)
        system.ask("POST", f"/messages/{thread}", {"content": f"at night {number}.{n}"}, user="ann", role="user")
        held = lambda: len({row["messageId"] for row in system.rows(sleeper)}) >= MESSAGES * (before + 1) or n + 1 < MESSAGES
        eventually("the message is held", held)
        time.sleep(0.2)
    clock.go_to(end - BEFORE_S)
    time.sleep(BEFORE_S - 1.5)
    assert clock.now() < end and len(server.mails.get(address, [])) == before, "nothing comes at night"
    eventually("the digest", lambda: len(server.mails.get(address, [])) > before)
    late = clock.now() - end
    mail = server.mails[address][-1]
    said = f"{MESSAGES} new messages"
    assert said in mail["text"] or said in mail["headers"]["subject"], mail["text"][:400]
    clock.advance(12 * 3600)
    time.sleep(5)
    count = len(server.mails[address]) - before
    print(f"{place:17} quiet until {datetime.datetime.fromtimestamp(end, datetime.UTC):%Y-%m-%d %H:%M} UTC: {MESSAGES} messages, "
          f"{count} mail, {late:.1f} s after the end")
    return count == 1 and 0 <= late <= WITHIN_S


def main():
    options = arguments(of_either_shape=False).parse_args()
    folder = new_folder("night")
    server, clock = MailServer(), Clock(folder)
    settings = {"EMAIL_GRACE_S": "0", **clock.settings}
    system = System("single", options.bins, folder, server.url, free_port(), settings)
    try:
        return 0 if all([night(system, server, clock, n, place, moment(begin), moment(end)) for n, (place, begin, end) in enumerate(NIGHTS)]) else 1
    finally:
        system.stop()
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
