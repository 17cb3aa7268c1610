"""What differs from Redis 7.0 on purpose, or cannot be compared: each with its reason, and how replies are compared.

Everything that is not here must be answered by the very same bytes.
"""

__all__ = ["COMPARED", "REPLIES", "comparison", "is_known"]

COMPARED: dict[str, tuple[str, str]] = {
    "TTL": ("seconds", "rounded from two clocks"),
    "PTTL": ("near", "counted from two clocks"),
    "EXPIRETIME": ("seconds", "relative deadlines are set from two clocks"),
    "PEXPIRETIME": ("near", "relative deadlines are set from two clocks"),
    "KEYS": ("set", "the order of a hash table"),
    "SCAN": ("set", "the order of a hash table; sequences ask for more than there is, so the cursor is 0"),
    "RANDOMKEY": ("kind", "random"),
    "HGETALL": ("map", "the order of a hash table"),
    "HKEYS": ("set", "the order of a hash table"),
    "HVALS": ("set", "the order of a hash table"),
    "HSCAN": ("set", "the order of a hash table; sequences ask for more than there is, so the cursor is 0"),
    "HRANDFIELD": ("kind", "random"),
    "SMEMBERS": ("set", "the order of a hash table"),
    "SINTER": ("set", "the order of a hash table"),
    "SUNION": ("set", "the order of a hash table"),
    "SDIFF": ("set", "the order of a hash table"),
    "SSCAN": ("set", "the order of a hash table; sequences ask for more than there is, so the cursor is 0"),
    "SPOP": ("set", "the order of a hash table; sequences pop all there is"),
    "SRANDMEMBER": ("kind", "random"),
    **dict.fromkeys(
        (
            *("ZADD", "ZINCRBY", "ZSCORE", "ZMSCORE", "ZRANGE", "ZRANGEBYSCORE", "ZREVRANGEBYSCORE", "ZREVRANGE"),
            *("ZPOPMIN", "ZPOPMAX", "ZMPOP", "ZUNION", "ZINTER", "ZDIFF"),
        ),
        ("scores", "7.0 writes 17 digits of a score, later versions as many as are needed, as do we"),
    ),
    "ZSCAN": ("scored set", "the order of a hash table, and the digits of scores"),
    "ZRANDMEMBER": ("kind", "random"),
    "HELLO": ("kind", "names the server and its version"),
    "CLIENT ID": ("kind", "counts connections"),
    "TIME": ("kind", "the time"),
    "CONFIG GET": ("map", "the order of a hash table"),
    "DUMP": ("kind", "the payload has a format of its own"),
}
"""Command, or command and subcommand: how `case.differs` compares its replies, and why not exactly."""

REPLIES: list[tuple[str, str, str, str]] = [
    ("", "-ERR", "-WRONGTYPE", "both refuse: arguments are read here before the key is looked at, there often after"),
    ("LCS", "-ERR", "-ERR The specified keys", "the same"),
    ("ZRANK", "-ERR syntax error", "-ERR wrong number", "since 7.2 there is a word, WITHSCORE, that can be wrong"),
    ("ZREVRANK", "-ERR syntax error", "-ERR wrong number", "the same"),
    ("ZINCRBY", "-ERR value is not a valid float", "-ERR syntax error", "ZADD's options are options there"),
    ("OBJECT REFCOUNT", ":1", ":", "values are not shared here, while Redis shares small numbers"),
    ("OBJECT FREQ", ":", "-ERR An LFU", "s3fifo counts uses, the reference's noeviction does not"),
    ("OBJECT IDLETIME", "-ERR the maxmemory policy", ":", "only the lru policies keep the time of the last use here"),
    (
        "OBJECT ENCODING",
        '"',
        '"',
        "told from the value here, from its history there: APPEND leaves raw whatever the length",
    ),
    ("GETEX", "-ERR invalid expire", "nil", "a time that is none is refused here whether or not the key is there"),
    ("GETEX", "-ERR value is not an integer", "nil", "the same"),
    ("BITCOUNT", "-ERR", ":0", "refused whether or not the key is there, as Redis does from 7.2 on"),
    ("BITPOS", "-ERR", ":", "the same"),
    *(
        (command, "-ERR no namespace", "-ERR", "a name is a namespace's here, and no number there")
        for command in ("SELECT", "MOVE", "COPY")
    ),
    ("RESTORE", "-ERR", "-BUSYKEY", "a payload or time that is none is refused here before anything is looked up"),
    ("RESTORE", "-ERR DUMP payload", "-ERR Bad data format", "both refuse; the formats differ, and so do their faults"),
    (
        "PEXPIRETIME",
        ":281474976710655",
        ":",
        "a deadline has 48 bits here: one beyond the year 10889 is its last moment",
    ),
    ("EXPIRETIME", ":281474976711", ":", "the same"),
    ("PTTL", ":279", ":", "the same: that many milliseconds are left until then, whichever year this is run in"),
    ("TTL", ":279", ":", "the same"),
]
"""Command (empty: any), beginning of our reply, beginning of the reference's (as `case.show` prints them), why both are
right."""


def comparison(words: tuple[bytes, ...]) -> str:
    """How the replies to this command are compared."""
    for name in _names(words):
        if name in COMPARED:
            return COMPARED[name][0]
    return "exact"


def is_known(words: tuple[bytes, ...], ours: str, theirs: str) -> bool:
    """Whether a difference in the replies to this command, as they print, is one of those above."""
    names = _names(words)
    # A cursor that no server gave, made by damaging the 0 of a sequence: Redis promises nothing, and neither do we.
    if names[1] == "SCAN" and words[1:2] != (b"0",) and ours.startswith("[") and theirs.startswith("["):
        return True
    return any(
        command in ("", *names) and ours.startswith(our_beginning) and theirs.startswith(their_beginning)
        for command, our_beginning, their_beginning, _ in REPLIES
    )


def _names(words: tuple[bytes, ...]) -> tuple[str, str]:
    shown = [word.decode("ascii", "replace").upper() for word in words[:2]]
    return " ".join(shown), shown[0] if shown else ""
