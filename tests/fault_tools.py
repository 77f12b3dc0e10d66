"""What scripts share that take parts of a fleet away: waiting for something, and a probe that sends one message after
the other by REST and keeps what became of each."""
import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
import uuid

# A probe that is not answered within this time counts as one without an answer.
ANSWER_S = 4
EVERY_S = 0.2
LOOK_EVERY_S = 0.1


def eventually(what, seconds, look):
    """Waits until `look` gives something, and returns it; a server that does not answer yet gives nothing."""
    until = time.monotonic() + seconds
    while True:
        try:
            if found := look():
                return found
        except (OSError, subprocess.CalledProcessError, ValueError, KeyError):
            pass
        if time.monotonic() > until:
            raise SystemExit(f"not within {seconds} s: {what}")
        time.sleep(LOOK_EVERY_S)


class Probe(threading.Thread):
    """Sends to a thread of its own until the process ends, and notes when each message was answered and how."""

    def __init__(self, http, mint):
        """`mint` is the command that prints a token for the user `probe`, with its environment."""
        super().__init__(daemon=True)
        self.http, self.answers = http, []
        token = subprocess.run(mint[0], check=True, capture_output=True, text=True, env=mint[1]).stdout.strip()
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        made = self.post("/threads", {"participants": ["nobody"], "metadata": {"subject": "probe"}})
        self.thread_id = made["thread"]["id"]

    def post(self, path, body):
        request = urllib.request.Request(f"{self.http}/api/v2/messages{path}", json.dumps(body).encode(),
                                         self.headers | {"Idempotency-Key": str(uuid.uuid4())})
        with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
            return json.load(answer) | {"status": answer.status}

    def run(self):
        while True:
            began = time.monotonic()
            try:
                outcome = self.post(f"/{self.thread_id}", {"content": "probe"})["status"]
            except urllib.error.HTTPError as error:
                outcome = error.code
            except OSError:
                outcome = "none"
            now = time.monotonic()
            self.answers.append((now, outcome, now - began))
            time.sleep(EVERY_S)

    def stored(self):
        """When each stored message was answered."""
        return [moment for moment, outcome, _ in list(self.answers) if outcome == 201]

    def longest_gap(self, since):
        """Longest time since `since` in which nothing was stored, in seconds."""
        times = [since] + [moment for moment in self.stored() if moment > since] + [time.monotonic()]
        return max(later - sooner for sooner, later in zip(times, times[1:]))

    def stored_since(self, since):
        """Whether anything was stored after `since`."""
        return any(moment > since for moment in self.stored())

    def counts(self, since=0.0):
        """Answers since `since` by status code; `none` where there was none."""
        counted = {}
        for moment, outcome, _ in list(self.answers):
            if moment > since:
                counted[outcome] = counted.get(outcome, 0) + 1
        return counted

    def slowest(self, since):
        """Longest wait for an answer since `since`, in seconds."""
        return max((took for moment, _, took in list(self.answers) if moment > since), default=0.0)
