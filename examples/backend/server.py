"""A backend in Python: it signs people in and gives their pages tokens for the chat. Needs PyJWT.

JWT_SECRET: the secret of the EventFlow server, at least 32 bytes; it never leaves this process.
CHAT_URL: address of the EventFlow server, for the pages. PORT: 3000 if it is not given.
"""

import json
import os
import time
import uuid
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

SECRET = os.environ["JWT_SECRET"]
CHAT_URL = os.environ.get("CHAT_URL", "http://127.0.0.1:8080")
# The client renews a token before it ends, so that it can be short.
TOKEN_LIFE_S = 15 * 60
# Who is signed in, by session: a real application has a store for that.
sessions = {}


def sign(user, login):
    """A JWT for the chat. `jti` names the login and stays the same when a login gets a new token."""
    now = int(time.time())
    claims = {"id": user, "name": user, "jti": login, "iat": now, "exp": now + TOKEN_LIFE_S}
    return jwt.encode(claims, SECRET, algorithm="HS256")


class Backend(BaseHTTPRequestHandler):
    def do_POST(self):
        """`/login` signs somebody in. A real application asks for a password here."""
        if self.path != "/login":
            return self.send_error(404)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        session = str(uuid.uuid4())
        sessions[session] = (body["user"], str(uuid.uuid4()))
        self.send_response(204)
        self.send_header("Set-Cookie", f"session={session}; HttpOnly; SameSite=Lax; Path=/")
        self.end_headers()

    def do_GET(self):
        """`/chat-token` gives a token to whoever is signed in, and says where the chat is."""
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("session")
        session = sessions.get(cookie.value) if cookie else None
        if self.path != "/chat-token":
            return self.send_error(404)
        if session is None:
            return self.send_error(401)
        answer = json.dumps({"token": sign(*session), "userId": session[0], "url": CHAT_URL}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Says nothing: tokens and sessions do not belong into logs."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Backend)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
