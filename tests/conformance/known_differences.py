"""What differs from Redis 7.0 on purpose, or cannot be compared: each with its reason, and how its replies are compared.

Everything that is not here must be answered by the very same bytes.
"""

from harness.resp import Reply

__all__ = ["COMPARED", "REPLIES", "comparison", "is_known"]

COMPARED: dict[str, tuple[str, str]] = {
    "TTL": ("seconds", "rounded from two clocks"),
    "PTTL": ("near", "counted from two clocks"),
    "EXPIRETIME": ("seconds", "relative deadlines are set from two clocks"),
    "PEXPIRETIME": ("near", "relative deadlines are set from two clocks"),
    "KEYS": ("set", "the order of a hash table"),
    "SCAN": ("set", "the order of a hash table; sequences ask for more than there is, so the cursor is 0"),
    "RANDOMKEY": ("kind", "random"),
    "HELLO": ("kind", "names the server and its version"),
    "CLIENT ID": ("kind", "counts connections"),
    "TIME": ("kind", "the time"),
    "DUMP": ("kind", "the payload has a format of its own"),
}
"""Command, or command and subcommand: how `case.differs` compares its replies, and why not exactly."""

REPLIES: list[tuple[str, str, str]] = [
    ("OBJECT REFCOUNT", "", "values are not shared here, while Redis shares small numbers"),
    ("OBJECT FREQ", "", "s3fifo counts uses, the reference's noeviction does not"),
    ("OBJECT IDLETIME", "", "only the lru policies keep the time of the last use here"),
    ("OBJECT ENCODING", "", "told from the value here, from its history there: APPEND leaves raw whatever the length"),
    (
        "RESTORE",
        "DUMP payload version or checksum are wrong",
        "the payload has a format of its own, so what is wrong with one is said in other cases",
    ),
]
"""Command, beginning of the reference's error text (empty: any reply), reason: not compared."""


def comparison(words: tuple[bytes, ...]) -> str:
    """How the replies to this command are compared."""
    for name in _names(words):
        if name in COMPARED:
            return COMPARED[name][0]
    return "exact"


def is_known(words: tuple[bytes, ...], theirs: Reply) -> bool:
    """Whether a difference in the replies to this command is one of those above."""
    names = _names(words)
    return any(
        command in names and (not text or (theirs.is_error and text in theirs.bytes.decode("utf-8", "replace")))
        for command, text, _ in REPLIES
    )


def _names(words: tuple[bytes, ...]) -> tuple[str, str]:
    shown = [word.decode("ascii", "replace").upper() for word in words[:2]]
    return " ".join(shown), shown[0]
