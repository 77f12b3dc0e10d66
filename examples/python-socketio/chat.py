"""Starts a thread with somebody (or finds it), writes a message, and prints what is said until Ctrl-C.

    TOKEN=… python3 chat.py USER TEXT

Needs `pip install "python-socketio[client]"`. CHAT_URL is the server's address (default http://127.0.0.1:8080).
"""

import os
import sys
import threading
import uuid

import requests
import socketio

URL = os.environ.get("CHAT_URL", "http://127.0.0.1:8080")
TOKEN = os.environ["TOKEN"]
# An answer that does not come within this is none; the message is sent again with its key.
ANSWER_PATIENCE_S = 10

user, text = sys.argv[1:3]
chat = socketio.Client()
newest = 0
# Handlers run beside each other: one at a time prints.
printing = threading.Lock()


def show(message):
    """Prints a message unless it was printed: what comes after an absence may come twice."""
    global newest
    if message["seq"] > newest:
        newest = message["seq"]
        print(f"{message['seq']} {message['senderId']}: {message['content']}", flush=True)


def start_thread():
    answer = requests.post(
        f"{URL}/api/v2/messages/threads",
        json={"participants": [user]},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=20,
    ).json()
    if not answer["success"]:
        sys.exit(f"{answer['code']}: {answer['error']}")
    # 202 "queued" brings only the threadId.
    return answer.get("threadId") or answer["thread"]["_id"]


def send(content):
    """Sends until there is an answer. The key makes sure that the message is stored once."""
    message = {"threadId": thread, "content": content, "clientMessageId": str(uuid.uuid4())}
    while True:
        try:
            answer = chat.call("message:send", message, timeout=ANSWER_PATIENCE_S)
        except (socketio.exceptions.TimeoutError, socketio.exceptions.BadNamespaceError):
            chat.sleep(1)
            continue
        if answer["success"] or answer["code"] not in ("unavailable", "rate_limited"):
            return answer
        chat.sleep(answer.get("retryAfterMs", 1000) / 1000)


@chat.on("message:received")
def received(body, *_offset):
    message = body["message"]
    if message["threadId"] != thread:
        return
    with printing:
        if message["seq"] <= newest + 1:
            return show(message)
    # Those before it have not come.
    catch_up()


@chat.event
def connect():
    """This library does not recover sessions: what was missed is asked for after each connect."""
    chat.start_background_task(catch_up)


def catch_up():
    complete = False
    while not complete:
        try:
            answer = chat.call("sync", {"threads": [{"threadId": thread, "after": newest}]}, timeout=ANSWER_PATIENCE_S)
        except (socketio.exceptions.TimeoutError, socketio.exceptions.BadNamespaceError):
            return  # the next connect asks again
        if not answer["success"]:
            chat.sleep(answer.get("retryAfterMs", 1000) / 1000)
            continue
        missed = answer["threads"][0]
        with printing:
            for message in missed["messages"]:
                show(message)
        complete = missed["complete"]


thread = start_thread()
chat.connect(URL, auth={"token": TOKEN}, transports=["websocket"])
sent = send(text)
if not sent["success"]:
    sys.exit(f"{sent['code']}: {sent['error']}")
chat.wait()
