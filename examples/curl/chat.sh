#!/usr/bin/env bash
# Starts a thread with somebody (or finds it), sends a message, and prints the history. Needs curl and
# python3.
#
#   TOKEN=… curl/chat.sh USER TEXT
#
# CHAT_URL is the server's address (default http://127.0.0.1:8080).
set -euo pipefail

api="${CHAT_URL:-http://127.0.0.1:8080}/api/v2/messages"
user="$1"
text="$2"

# json PYTHON ARGUMENT…: texts are put into JSON, and taken out of it, by a program that knows how to.
json() { python3 -c "import json, sys; $1" "${@:2}"; }
# Fails with the server's own words; 429 and 503 are tried again after the time that the server names.
call() {
    curl --silent --show-error --fail-with-body --retry 5 \
        --header "Authorization: Bearer $TOKEN" --header 'Content-Type: application/json' "$@"
}

people="$(json 'print(json.dumps({"participants": sys.argv[1:]}))' "$user")"
# 202 "queued" brings only the threadId.
thread="$(call "$api/threads" --data "$people" |
    json 'answer = json.load(sys.stdin); print(answer.get("threadId") or answer["thread"]["_id"])')"

# With a key a request may be repeated: the message is stored once.
key="$(python3 -c 'import uuid; print(uuid.uuid4())')"
message="$(json 'print(json.dumps({"content": sys.argv[1]}))' "$text")"
for _ in 1 2; do
    call "$api/$thread" --header "Idempotency-Key: $key" --data "$message" >/dev/null
done

call "$api/$thread?limit=100" | json '
for message in json.load(sys.stdin)["messages"]:
    print(message["seq"], message["senderId"] + ":", message["content"])'
