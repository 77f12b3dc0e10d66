#!/usr/bin/env python3
"""Stand-in of the mail catcher: takes every mail at port 1025 and counts them at port 8025; `readyz` asks it."""

import asyncio
import http.server
import json
import signal
import sys
import urllib.request

MAILS = []


class Keep:
    """Keeps recipients and size of every mail."""

    async def handle_DATA(self, _server, _session, envelope):
        MAILS.append({"to": envelope.rcpt_tos, "bytes": len(envelope.content)})
        return "250 kept"


class Page(http.server.BaseHTTPRequestHandler):
    """Answers every question with what was kept."""

    def do_GET(self):
        body = json.dumps({"total": len(MAILS), "messages": MAILS}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if sys.argv[1:] == ["readyz"]:
    urllib.request.urlopen("http://127.0.0.1:8025/", timeout=2)
    sys.exit(0)
from aiosmtpd.controller import Controller  # noqa: E402 (the check above must be quick)

# As process 1 of its container it would ignore the signal.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
asyncio.set_event_loop(asyncio.new_event_loop())
Controller(Keep(), hostname="0.0.0.0", port=1025).start()
http.server.ThreadingHTTPServer(("0.0.0.0", 8025), Page).serve_forever()
