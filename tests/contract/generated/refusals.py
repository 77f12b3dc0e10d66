"""What the document says in words only, so that a generator of values does not know it.

A valid request may be refused for one of these sentences, and a request that a schema calls invalid may be taken
for one of these reasons. Everything else is a fault of the document or of the server.
"""

import re
from urllib.parse import parse_qsl, urlsplit

# Sentences of refusals, each with where docs/PROTOCOL.md or the description of the field says so.
SENTENCES = [re.compile(sentence) for sentence in (
    # A cursor is the server's own text.
    r"cursor is not one of ours",
    # What a search may look for.
    r"q is missing|q must (be|have) ",
    # A list in which each comes once.
    r"is in mutes before",
    # Of a group: one of its two looks must be given, and who is in it decides about roles.
    r"name or picture must be there|has no other owner|a group (has|to which you add people has) at most \d+",
    # Whoever erases somebody says so twice.
    r"userId must be the id in the path",
    # Whom one can block, and how many.
    r"nobody can block themselves|a person blocks at most \d+",
    # Fields that exclude each other, or of which one is needed.
    r"exclude each other",
    r"Idempotency-Key and clientMessageId differ|Idempotency-Key and clientNotificationId differ",
    r"ids or filter must name letters",
    r"(title|to) is missing|must name somebody",
    r"a thread has at most \d+ participants",
    r"a person has at most \d+ (drafts|scheduled messages)|one of content, mentions and sendAt must be there",
    r"one of subscription and fcmToken must be there",
    # A text is counted and judged after it was cleaned.
    r"must have (1 to|at most) \d+ characters|is longer than \d+ characters",
    r"content is missing|the message is empty|content .* (longer|characters)",
    r"must be a sign of 1 to 64 bytes",
    r"must be a text of 1 to 128 bytes without U\+FFFD",
    r"must have at most \d+ bytes|a key has at most",
    # Names of lists that no schema has.
    r"must be a time zone like",
    r"must be an address like",
    r"must be an https address|must be a safe|no picture",
    r"must be a point of P-256",
    # What is there decides.
    r"there is no such message|names no message of this thread|mentions names somebody|there is no such role|there is no template|has the role",
    r"must not be the time at which they begin",
    r"sendAt is (in the past|less than 10 s ahead|more than a year ahead)",
    r"perSecond must be 1 to \d+",  # a setting
    # A whole number is written without a fraction, and fits 63 bits.
    r"must be a (number of a message|whole number|revision of a draft)|must be a number in range|must be a time such as",
    # Free-form objects: sizes, depth and names of keys.
    r"^(metadata|data)|^a key in (\S+\.)?(metadata|data)",
    # Uploads: headers of tus and the form of a body.
    r"(Upload-(Length|Offset|Metadata)|Tus-Resumable) (is missing|must be)|the file has no bytes in that range",
    r"the body is no form|file is missing|the form has more than one file",
    # An attachment: its type decides what is accepted.
    r"must be a plain file name|attachments\[\d+\]",
)]


def says(response):
    try:
        return str(response.json().get("error", ""))
    except (ValueError, AttributeError):
        return ""


def has_empty_parameter(response):
    """An empty parameter of a query counts as none, and of several values the last one counts."""
    last = dict(parse_qsl(urlsplit(response.request.url).query, keep_blank_values=True))
    return any(value.strip() == "" for value in last.values())


def has_unknown_header(case):
    """Proxies and browsers add headers of their own: one that nobody knows is passed over."""
    return any(name.lower().startswith("x-schemathesis-unknown") for name in case.headers or {})


def is_documented_in_words(failure, case, response):
    kind = type(failure).__name__
    if kind == "RejectedPositiveData":
        return any(sentence.search(says(response)) for sentence in SENTENCES)
    if kind == "AcceptedNegativeData":
        return has_empty_parameter(response) or has_unknown_header(case)
    return False
