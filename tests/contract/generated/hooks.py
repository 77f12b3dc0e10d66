"""Hooks of Schemathesis for tests/contract/generated.test.mjs: who asks, for which ids, and what is counted.

The generated values come from the document that the server gives. These hooks add what a document cannot say:
ids that exist, and who may use them. Three of four requests get them; the others keep what was generated.
"""

import atexit
import collections
import json
import os
import pathlib
import re
import threading

import schemathesis
from refusals import is_documented_in_words
from schemathesis.core.parameters import ParameterLocation
from world import MEMBERS, PATHS, USED_UP, WORLD, letter_edit

STATISTICS = pathlib.Path(os.environ["EVENTFLOW_GENERATED_STATISTICS"])
# Of so many requests of an operation one keeps its generated ids, and one of an administrator's operation
# comes from somebody else.
ONE_IN = 4
FOREIGN_ONE_IN = 9
lock = threading.Lock()
asked = collections.Counter()
answered = collections.defaultdict(collections.Counter)


def id_of(operation):
    return operation.definition.raw["operationId"]


def schemas_of(value, found, document):
    """The names of all schemas that a part of the document refers to."""
    if isinstance(value, list):
        for item in value:
            schemas_of(item, found, document)
    elif isinstance(value, dict):
        name = str(value.get("$ref", "")).removeprefix("#/components/schemas/")
        if name in document["components"]["schemas"] and name not in found:
            found.add(name)
            schemas_of(document["components"]["schemas"][name], found, document)
        for item in value.values():
            schemas_of(item, found, document)
    return found


def close(schema):
    """Objects have the named fields only. Parts of a composed schema stay open."""
    if isinstance(schema, list):
        for item in schema:
            close(item)
    elif isinstance(schema, dict):
        is_composed = any(word in schema for word in ("allOf", "anyOf", "oneOf"))
        if "properties" in schema and not is_composed:
            schema.setdefault("additionalProperties", False)
        for item in schema.values():
            close(item)


def plain_patterns(value):
    """Python knows no `\\u{1d173}`: the character itself stands for it."""
    if isinstance(value, list):
        for item in value:
            plain_patterns(item)
    elif isinstance(value, dict):
        if isinstance(value.get("pattern"), str):
            value["pattern"] = re.sub(r"\\u\{([0-9a-f]+)\}", lambda hit: chr(int(hit[1], 16)), value["pattern"])
        for item in value.values():
            plain_patterns(item)


# The bytes of a resumable upload are sent as they are.
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")


@schemathesis.hook
def before_load_schema(_context, document):
    """A field of an answer that the document does not name is a fault; in a request it is passed over."""
    bodies = [
        operation.get("requestBody", {})
        for item in document["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict)
    ]
    sent = schemas_of(bodies, set(), document)
    for name, schema in document["components"]["schemas"].items():
        if name not in sent:
            close(schema)
    plain_patterns(document)


@schemathesis.auth(refresh_interval=None)
class Login:
    """Administrators' operations are asked for by one, the others by an ordinary user."""

    def get(self, case, _context):
        if "Preferences" in id_of(case.operation):
            # Not those of Ann, who may switch off what other requests need.
            return WORLD["tokens"]["cleo"]
        if case.operation.definition.raw.get("description") != "For administrators.":
            return WORLD["tokens"]["ann"]
        with lock:
            asked["login", case.operation.label] += 1
            is_foreign = asked["login", case.operation.label] % FOREIGN_ONE_IN == 0
        return WORLD["tokens"]["ann" if is_foreign else "root"]

    def set(self, case, token, _context):
        if id_of(case.operation) == "reportMail":
            case.headers["X-Webhook-Secret"] = WORLD["webhookSecret"]
        else:
            case.headers["Authorization"] = f"Bearer {token}"


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """Puts ids that exist where the generated ones are valid."""
    operation = id_of(case.operation)
    if case.meta is None:
        return
    with lock:
        asked["ids", operation] += 1
        keeps = asked["ids", operation] % ONE_IN == 0
    is_exact = {at: not case.meta.is_negative_at(at) for at in (ParameterLocation.PATH, ParameterLocation.BODY)}
    name = "token" if "unsubscribe" in operation.lower() else "id"
    # Generated ids may be ones that answers have shown: what other requests need is not used up.
    is_needed = operation in USED_UP and case.path_parameters.get(name) in WORLD.values()
    if (not keeps or is_needed) and operation in PATHS and is_exact[ParameterLocation.PATH]:
        case.path_parameters = {**case.path_parameters, name: PATHS[operation]()}
        if operation in MEMBERS:
            case.path_parameters = {**case.path_parameters, "member": MEMBERS[operation]()}
        # Whoever erases somebody says so twice.
        if operation == "eraseUser" and is_exact[ParameterLocation.BODY] and isinstance(case.body, dict):
            case.body = {**case.body, "userId": case.path_parameters["id"]}
        if operation == "editDeadLetter" and is_exact[ParameterLocation.BODY]:
            case.body = {**case.body, **letter_edit()}
    # A new upload goes on at its beginning.
    if operation == "appendUpload" and not keeps and not case.meta.is_negative_at(ParameterLocation.HEADER):
        case.headers["Upload-Offset"] = "0"
    # The letters of the world stay: other requests need them.
    if operation in ("beginReplay", "discardDeadLetters") and isinstance(case.body, dict):
        if isinstance(case.body.get("filter"), dict):
            case.body = {**case.body, "filter": {**case.body["filter"], "queue": "nowhere"}}
        if isinstance(case.body.get("ids"), list) and WORLD["letter"] in case.body["ids"]:
            case.body = {**case.body, "ids": [one for one in case.body["ids"] if one != WORLD["letter"]]}


@schemathesis.hook
def after_call(_context, case, response):
    with lock:
        answered[id_of(case.operation)][response.status_code] += 1


@schemathesis.hook
def filter_failure(_context, failure, case, response):
    return not is_documented_in_words(failure, case, response)


@schemathesis.check
def retry_is_told(_ctx, response, _case):
    """Whoever shall come back later is told when."""
    if response.status_code in (408, 429, 503):
        assert "retry-after" in response.headers, f"{response.status_code} without Retry-After"


@atexit.register
def write_statistics():
    STATISTICS.write_text(json.dumps(answered))
