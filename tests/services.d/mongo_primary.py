"""Exit 0 if the MongoDB on 127.0.0.1:PORT is primary; initiate replica set NAME if it has none yet.

Speaks OP_MSG with the few BSON types it needs, so that no mongo shell and no driver has to be installed.
Wire format: https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/ and https://bsonspec.org
"""

import socket
import struct
import sys

OP_MSG = 2013
TIMEOUT_SECONDS = 10


def encode(document):
    body = b""
    for key, value in document.items():
        name = key.encode() + b"\0"
        if isinstance(value, str):
            text = value.encode() + b"\0"
            body += b"\x02" + name + struct.pack("<i", len(text)) + text
        elif isinstance(value, int):
            body += b"\x10" + name + struct.pack("<i", value)
        elif isinstance(value, list):
            body += b"\x04" + name + encode({str(i): item for i, item in enumerate(value)})
        else:
            body += b"\x03" + name + encode(value)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def command(connection, document):
    """Sends one admin command and gives the raw BSON of the answer."""
    body = struct.pack("<i", 0) + b"\0" + encode({**document, "$db": "admin"})
    connection.sendall(struct.pack("<iiii", 16 + len(body), 1, 0, OP_MSG) + body)
    answer = b""
    while len(answer) < 4 or len(answer) < struct.unpack("<i", answer[:4])[0]:
        part = connection.recv(65536)
        if not part:
            raise ConnectionError("the server closed the connection")
        answer += part
    return answer[21:]


def is_true(answer, key):
    return b"\x08" + key.encode() + b"\0\x01" in answer


def main():
    port, name = int(sys.argv[1]), sys.argv[2]
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as connection:
        hello = command(connection, {"hello": 1})
        if is_true(hello, "isWritablePrimary"):
            return 0
        if b"\x02setName\0" not in hello:
            member = {"_id": 0, "host": f"127.0.0.1:{port}"}
            command(connection, {"replSetInitiate": {"_id": name, "members": [member]}})
        return 1


if __name__ == "__main__":
    sys.exit(main())
