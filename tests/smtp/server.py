"""A mail server for tests: aiosmtpd, made to fail in each way that a real one does.

It listens on a free port of this machine and prints one JSON object a line: first where it listens, then what
happens. Every mail that it takes is read back by Python's `email` package, so that what the tests assert is
what another library understands.

The part of a recipient before the `@` says what becomes of a mail to them:

  rcpt-CODE      the answer to RCPT TO (rcpt-550)
  policy-CODE    the same, with the enhanced code of a policy
  relay-CODE, blocked-CODE, unknown-CODE
                 the same without an enhanced code: this sender may not relay, is on a block list, or there is no
                 such recipient
  leak-CODE      the same; the answer repeats parts of the address in words of its own
  later-TIMES-CODE… the answer to so many RCPT TO; then the mail is taken
  data-CODE      the answer to the mail
  endless        the answer to the mail is one line that does not end
  close          the connection ends behind the last line of the mail, without an answer
  keep-then-close the same, and the mail is taken all the same
  anything else  the mail is taken

Options: --tls starttls|smtps|none, --auth USER:PASSWORD, --hang WHERE (ehlo, data), --answer WHERE=CODE
(ehlo, mail), --folder FOLDER (where the certificate goes), --kill-every N --kills K (the process that sends is
killed right behind the 250 for every Nth mail, K times in all).
"""

import argparse
import asyncio
import collections
import email
import email.header
import email.policy
import email.utils
import json
import os
import pathlib
import signal
import ssl
import subprocess
import sys

from aiosmtpd.smtp import SMTP, AuthResult

TEXTS = {421: "4.3.0 closing", 450: "4.2.0 mailbox busy", 451: "4.3.0 try later", 452: "4.2.2 over quota"}
REASONS = {
    "policy": "5.7.1 not allowed",
    "relay": "relay not permitted",
    "blocked": "Blocked by Spamhaus",
    "unknown": "No such user here",
    "leak": "5.1.1 User canary.local unknown; subject canary secret",
}


def say(**what):
    # Bytes that are no ASCII come back as they were on the wire.
    line = json.dumps(what, ensure_ascii=False) + "\n"
    sys.stdout.buffer.write(line.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def answer(code, address="", kind="rcpt"):
    enhanced = REASONS.get(kind) or TEXTS.get(code, "5.1.1 rejected")
    return f"{code} {enhanced}: <{address}> rejected"


def display_name(raw, header):
    """The name before an address. The new parser keeps the space between encoded words (python/cpython issue
    128110), which RFC 2047, section 6.2, says to drop; the old one drops it."""
    value = next(value for name, value in email.message_from_bytes(raw).raw_items() if name == header)
    name, _ = email.utils.parseaddr(value)
    return str(email.header.make_header(email.header.decode_header(name)))


def sender_of(transport):
    """The process of this machine at the other end of a connection. Both ends tell it: a port that is its own
    there may be that of another connection, to another port, too."""
    far, near = (f"0100007F:{transport.get_extra_info(end)[1]:04X}" for end in ("peername", "sockname"))
    rows = (line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:])
    socket = next((f"socket:[{row[9]}]" for row in rows if row[1:3] == [far, near]), None)
    for link in pathlib.Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link) == socket:
                return int(link.parts[2])
        except OSError:
            pass  # It has ended, or belongs to somebody else.
    return None


def described(envelope, peer):
    """What Python's email package reads from the bytes of a mail."""
    raw = envelope.original_content
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    to = [address.addr_spec for address in mail["To"].addresses]
    return {
        "mail": {
            "mail_from": envelope.mail_from,
            "rcpt_tos": envelope.rcpt_tos,
            "names": [name for name, _ in mail.items()],
            "headers": {name.lower(): str(value) for name, value in mail.items()},
            "to": to,
            "to_names": [display_name(raw, "To")],
            "from_names": [display_name(raw, "From")],
            "from": [address.addr_spec for address in mail["From"].addresses],
            "type": mail.get_content_type(),
            "parts": [part.get_content_type() for part in mail.iter_parts()],
            "charsets": [part.get_content_charset() for part in mail.iter_parts()],
            "text": plain.get_content() if plain else None,
            "html": html.get_content() if html else None,
            "defects": [str(d) for part in mail.walk() for d in part.defects]
            + [str(d) for value in mail.values() for d in getattr(value, "defects", ())],
            "longest_line": max(len(line) for line in raw.split(b"\r\n")),
            "bare_breaks": raw.replace(b"\r\n", b"").count(b"\r") + raw.replace(b"\r\n", b"").count(b"\n"),
            "zeros": raw.count(b"\0"),
            "peer": list(peer)[:2],
        }
    }


class Handler:
    def __init__(self, options):
        self.hang = options.hang
        self.answers = dict(one.split("=") for one in options.answer)
        self.kill_every, self.kills, self.taken, self.killed = options.kill_every, options.kills, 0, set()
        self.put_off = collections.Counter()

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        say(event="ehlo")
        if self.hang == "ehlo":
            await asyncio.sleep(3600)
        if "ehlo" in self.answers:
            return [answer(int(self.answers["ehlo"]))]
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        if "mail" in self.answers:
            code = int(self.answers["mail"])
            if code == 421:
                asyncio.get_running_loop().call_later(0.05, server.transport.close)
            return answer(code)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 ok"

    async def handle_RCPT(self, server, session, envelope, address, options):
        kind, _, code = address.split("@")[0].partition("-")
        if (kind == "rcpt" or kind in REASONS) and code.isdigit():
            if code == "421":
                asyncio.get_running_loop().call_later(0.05, server.transport.close)
            return answer(int(code), address, kind)
        if kind == "later":
            times, code = map(int, code.split("-")[:2])
            if self.put_off[address] < times:
                self.put_off[address] += 1
                say(event="put off", times=self.put_off[address])
                return answer(code, address)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        local = envelope.rcpt_tos[0].split("@")[0]
        kind, _, code = local.partition("-")
        if self.hang == "data":
            say(event="data")
            await asyncio.sleep(3600)
        if kind == "data" and code.isdigit():
            return answer(int(code), envelope.rcpt_tos[0])
        if local == "endless":
            await self.answer_without_end(server)
        if local != "close":
            say(**described(envelope, session.peer))
        if local in ("close", "keep-then-close"):
            server.transport.abort()
        self.taken += 1
        if self.kills and self.kill_every and self.taken % self.kill_every == 0:
            self.kill_behind_the_answer(sender_of(server.transport))
        return f"250 2.0.0 queued for <{envelope.rcpt_tos[0]}> as 4F2A"

    async def answer_without_end(self, server):
        """Until the other side has had enough, or has read 64 MB."""
        writer = server._writer
        for _ in range(1024):
            if writer.transport.is_closing():
                break
            writer.write(b"x" * 65536)
            await writer.drain()
            await asyncio.sleep(0)

    def kill_behind_the_answer(self, sender):
        """The answer is written before the event loop comes to its next callback."""
        if sender is None or sender in self.killed:
            return
        self.killed.add(sender)
        self.kills -= 1

        def kill():
            os.kill(sender, signal.SIGKILL)
            say(event="killed", pid=sender)

        asyncio.get_running_loop().call_soon(kill)


def certificate(folder):
    """A certificate for this machine that signs itself, and its key. A server that is started again in its
    folder has the one it had."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    if not cert.exists():
        subprocess.run([*command.split(), *names, "-keyout", key, "-out", cert], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tls", default="none")
    parser.add_argument("--auth", default="")
    parser.add_argument("--hang", default="")
    parser.add_argument("--answer", action="append", default=[])
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("."))
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--kill-every", type=int, default=0)
    parser.add_argument("--kills", type=int, default=0)
    options = parser.parse_args()
    cert, context = (None, None) if options.tls == "none" else certificate(options.folder)

    def authenticate(server, session, envelope, mechanism, data):
        given = f"{data.login.decode()}:{data.password.decode()}"
        if given == options.auth:
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False, message="535 5.7.8 credentials of <x@example.com> invalid")

    handler = Handler(options)

    def protocol():
        return SMTP(
            handler,
            enable_SMTPUTF8=True,
            tls_context=context if options.tls == "starttls" else None,
            authenticator=authenticate if options.auth else None,
            auth_required=bool(options.auth),
            auth_require_tls=False,
            require_starttls=options.tls == "starttls",
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        protocol, "127.0.0.1", options.port, ssl=context if options.tls == "smtps" else None
    )
    say(port=server.sockets[0].getsockname()[1], ca=str(cert) if cert else None)
    # It ends with the test that started it: standard input closes then.
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
