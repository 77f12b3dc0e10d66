"""What exists on the server under test, so that generated requests meet it.

The test has made the people and the first ids (`EVENTFLOW_GENERATED_WORLD`, a JSON file). What a request uses up
(a message that it takes back, a thread that it leaves) is made anew for each request, by the same routes.
"""

import datetime
import json
import os
import pathlib
import time
import uuid

import requests

WORLD = json.loads(pathlib.Path(os.environ["EVENTFLOW_GENERATED_WORLD"]).read_text())
API = f"{WORLD['url']}/api/v2"
# Longest that a request of the world itself may take; the server answers within 15 s.
TIMEOUT_S = 30
# Longest that the server may take to carry a queued request out.
PATIENCE_S = 60
# More than a generated request brings, so that an upload is not over with it.
UPLOAD_BYTES = 1_000_000
session = requests.Session()
session.trust_env = False
# The upload that was made last.
uploads = []
# The person who was erased.
erased = []


def ask(who, method, path, body=None, headers=None):
    """A request that must succeed: its answer. It may be made again: a queued one is asked for until it is done."""
    headers = {"Authorization": f"Bearer {WORLD['tokens'][who]}", **(headers or {})}
    deadline = time.monotonic() + PATIENCE_S
    while True:
        answer = session.request(method, API + path, json=body, headers=headers, timeout=TIMEOUT_S)
        if answer.status_code in (200, 201):
            return answer.json()
        if answer.status_code != 202 or time.monotonic() > deadline:
            raise RuntimeError(f"{method} {path} of the world itself: {answer.status_code} {answer.text[:300]}")
        time.sleep(0.2)  # sleep: the server carries it out meanwhile


def key():
    return uuid.uuid4().hex


def new_thread():
    body = {"participants": [WORLD["ben"]], "metadata": {"subject": key()}}
    return ask("ann", "POST", "/messages/threads", body)["thread"]["_id"]


def new_group():
    body = {"participants": [WORLD["ben"]], "metadata": {"subject": key()}, "group": {"name": "for a request"}}
    return ask("ann", "POST", "/messages/threads", body)["thread"]["_id"]


def new_message():
    body = {"content": "for a generated request", "clientMessageId": key()}
    return ask("ann", "POST", f"/messages/{WORLD['thread']}", body)["message"]["_id"]


def new_report():
    return ask("ann", "POST", f"/messages/{new_message()}/report", {"reason": "other"})["report"]["id"]


def new_notification():
    body = {"userId": WORLD["ann"], "title": "for a request", "clientNotificationId": key()}
    return ask("root", "POST", "/notifications", body)["notification"]["_id"]


def in_an_hour():
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    return later.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_scheduled():
    body = {"content": "for a generated request", "sendAt": in_an_hour(), "clientMessageId": key()}
    return ask("ann", "POST", f"/messages/{WORLD['thread']}", body)["scheduled"]["_id"]


def new_upload():
    """One at a time: a person may have a hundred files that no message uses."""
    tus = {"Tus-Resumable": "1.0.0"}
    if uploads:
        headers = {"Authorization": f"Bearer {WORLD['tokens']['ann']}", **tus}
        session.delete(f"{API}/attachments/tus/{uploads.pop()}", headers=headers, timeout=TIMEOUT_S)
    uploads.append(ask("ann", "POST", "/attachments/tus", headers={**tus, "Upload-Length": str(UPLOAD_BYTES)})["id"])
    return uploads[0]


def new_send():
    body = {"to": [WORLD["ann"]], "title": "for a request", "sendAt": in_an_hour(), "clientNotificationId": key()}
    return ask("root", "POST", "/notifications", body)["send"]["_id"]


def new_device():
    return ask("ann", "POST", "/devices", {"fcmToken": f"generated-{key()}"})["device"]["_id"]


def someone():
    """A person without tokens here: a request may end all their logins."""
    return f"someone-{key()[:8]}"


def somebody_erased():
    """A person whose erasure has begun."""
    if not erased:
        erased.append(someone())
        ask("root", "POST", f"/users/{erased[0]}/erase", {"userId": erased[0], "why": "they asked for it"})
    return erased[0]


def known(name):
    return lambda: WORLD[name]


# What the path of an operation names: something that is there, and that its caller may use.
PATHS = {
    "showThread": known("thread"),
    "archiveThread": known("thread"),
    "unarchiveThread": known("thread"),
    "readThread": known("thread"),
    "leaveThread": new_thread,
    "changeGroup": new_group,
    "listMembers": known("thread"),
    "addMembers": new_group,
    "removeMember": new_group,
    "setMemberRole": new_group,
    "listParticipants": known("thread"),
    "listMessages": known("thread"),
    "sendMessage": known("thread"),
    "editMessage": known("message"),
    "patchMessage": known("message"),
    "deleteMessage": new_message,
    "react": new_message,
    "readMessage": known("message"),
    "reportMessage": known("message"),
    "handleReport": new_report,
    "changeScheduled": known("scheduled"),
    "cancelScheduled": new_scheduled,
    "sendScheduled": new_scheduled,
    "appendUpload": new_upload,
    "showUpload": new_upload,
    "endUpload": new_upload,
    "showPresence": known("ben"),
    "muteThread": known("thread"),
    "unmuteThread": known("thread"),
    "readNotification": new_notification,
    "deleteNotification": new_notification,
    "listDeliveriesOfNotification": known("notification"),
    "showSend": known("send"),
    "stopSend": new_send,
    "removeDevice": new_device,
    "showDeadLetter": known("letter"),
    "revealDeadLetter": known("letter"),
    "editDeadLetter": known("letter"),
    "showReplay": known("replay"),
    "blockUser": someone,
    "unblockUser": someone,
    "putUser": someone,
    "revokeUser": someone,
    "exportUser": known("ann"),
    "eraseUser": someone,
    "showErasure": somebody_erased,
    "disconnectUser": known("ben"),
    "listDeliveriesOfUser": known("ann"),
    "askUnsubscribe": known("unsubscribe"),
    "unsubscribe": known("unsubscribe"),
}


# Operations whose path names a person beside the thread.
MEMBERS = {"removeMember": known("ben"), "setMemberRole": known("ben")}


# Operations that use up what their path names.
USED_UP = {
    "leaveThread", "deleteMessage", "deleteNotification", "readNotification", "stopSend", "removeDevice",
    "revokeUser",
}


def letter_edit():
    """What an edit of the dead letter says that changes nothing but its version."""
    shown = ask("root", "POST", f"/ops/dead-letters/{WORLD['letter']}/reveal", {"why": "to edit it"})
    return {"body": shown["body"], "version": shown["letter"]["version"]}
