"""Random command sequences, one generator per family, everything from a seed.

The key space is small, so that commands meet what others left. Values stand at the borders where representations
change. One command in fifteen is damaged: an argument dropped, doubled or replaced, because the order in which a server
finds faults shows in its error texts.

What must not depend on the moment is kept apart from what may. Relative deadlines are at least 1000 s ahead and no two
of one sequence lie within 500 s of each other, so conditions such as GT come out alike on servers with two clocks.
Absolute ones lie beyond the year 2096 and are compared exactly. `GONE` is the one step that lets time pass.
"""

from collections.abc import Callable, Sequence
from random import Random

__all__ = ["FAMILIES", "GONE", "Command", "generate"]

Command = tuple[bytes, ...]

GONE = b"(gone)"
"""`(gone) key`: give the key a deadline of one millisecond, and go on when neither server has it any more."""

KEYS = [b"a", b"b", b"c", b"d", b"{tag}1", b"{tag}2", b"", b"123", b"bin\x00\xff\r\nkey", b"k" * 200]
DATABASES = [b"0", b"0", b"0", b"1", b"2", b"15"]

INTEGERS = [0, 1, -1, 5, 9, 10, 99, 100, 127, 128, 255, 256, 9999, 10000, 65535, 65536, 2**31 - 1, 2**31, -(2**31) - 1]
EDGES = [2**63 - 1, -(2**63), 2**63 - 2, -(2**63) + 1]
FLOATS = [
    b"0.1",
    b"-0.1",
    b"3.0e3",
    b"1e-7",
    b"1.5",
    b"-2.25",
    b"1e17",
    b"123456.789012",
    b".5",
    b"1e2",
    b"0.30000000000000004",
]
LENGTHS = [0, 1, 2, 7, 8, 15, 16, 20, 21, 31, 32, 43, 44, 45, 63, 64, 65, 100, 127, 128, 129, 200, 255, 256, 257, 300]
LONG = [1000, 1023, 1024, 2040, 4096, 5000]

# No number here makes a server allocate much: offsets end at 20,000 or lie beyond what is allowed.
NONSENSE = [
    b"",
    b"x",
    b"-1",
    b"1.5",
    b" 1",
    b"01",
    b"9223372036854775808",
    b"9223372036854775807",
    b"nan",
    b"NX",
    b"GET",
    b"EX",
]

RELATIVE_MAX = 1000

CURSORS = {b"SCAN": 1, b"HSCAN": 2, b"SSCAN": 2, b"ZSCAN": 2}
"""Where commands have a cursor."""


class Draw:
    """What generators draw from: the seed's numbers, and the deadlines that were not yet used."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self._relative = list(range(1, RELATIVE_MAX))
        random.shuffle(self._relative)

    def chance(self, of: float) -> bool:
        """True in this share of the draws."""
        return self.random.random() < of

    def pick(self, items: Sequence[bytes]) -> bytes:
        """Any of them."""
        return self.random.choice(items)

    def key(self) -> bytes:
        """A key; the first ones more often."""
        return KEYS[min(int(self.random.expovariate(0.45)), len(KEYS) - 1)]

    def some_keys(self, most: int = 4) -> list[bytes]:
        """Some keys, perhaps one of them twice."""
        return [self.key() for _ in range(self.random.randint(1, most))]

    def number(self) -> bytes:
        """An integer: small, at a border, or anything."""
        draw = self.random.random()
        if draw < 0.6:
            return str(self.random.choice(INTEGERS)).encode()
        if draw < 0.75:
            return str(self.random.choice(EDGES)).encode()
        return str(self.random.randint(-(2**40), 2**40)).encode()

    def value(self) -> bytes:
        """A value: number, text or bytes, of a length where something may change."""
        draw = self.random.random()
        if draw < 0.35:
            return self.number()
        if draw < 0.42:
            return self.pick(FLOATS)
        length = self.random.choice(LONG if draw > 0.96 else LENGTHS)
        if draw < 0.75:
            return bytes(self.random.choices(b"abcxyz 01", k=length))
        return self.random.randbytes(length)

    def offset(self, most: int = 300) -> bytes:
        """A position in a value, from its start or its end."""
        return str(self.random.randint(-most, most) if self.chance(0.3) else self.random.randint(0, most)).encode()

    def seconds(self) -> int:
        """A relative deadline: another one each time, at least 1000 s from every other."""
        return 1000 * (self._relative.pop() if self._relative else RELATIVE_MAX)

    def moment(self) -> int:
        """An absolute deadline in seconds."""
        return 4_000_000_000 + self.random.randint(0, 1_000_000)

    def deadline(self, *, passed: bool = True) -> list[bytes]:
        """EX, PX, EXAT or PXAT with a time; now and then one that is none or, if `passed` may be, that has passed."""
        if passed and self.chance(0.06):
            return [self.pick([b"EXAT", b"PXAT"]), self.pick([b"1", b"1000", b"0", b"-1"])]
        if self.chance(0.05):
            return [self.pick([b"EX", b"PX"]), self.pick([b"0", b"-1", b"9223372036854775807", b"x"])]
        match self.random.randrange(4):
            case 0:
                return [b"EX", b"%d" % self.seconds()]
            case 1:
                return [b"PX", b"%d" % (self.seconds() * 1000 + 337)]
            case 2:
                return [b"EXAT", b"%d" % self.moment()]
        return [b"PXAT", b"%d" % (self.moment() * 1000 + self.random.randrange(1000))]


Generator = Callable[[Draw], Command]


def _fixed(*command: bytes) -> Generator:
    return lambda _: command


def _set(draw: Draw) -> Command:
    options: list[bytes] = []
    if draw.chance(0.25):
        options.append(draw.pick([b"NX", b"XX"]))
    if draw.chance(0.25):
        options.append(b"GET")
    if draw.chance(0.35):
        # Redis stores what has expired already, and DBSIZE counts it until it is noticed.
        options += draw.deadline(passed=False)
    elif draw.chance(0.15):
        options.append(b"KEEPTTL")
    return (b"SET", draw.key(), draw.value(), *options)


def _getex(draw: Draw) -> Command:
    options = draw.deadline() if draw.chance(0.6) else [b"PERSIST"] if draw.chance(0.5) else []
    return (b"GETEX", draw.key(), *options)


def _pairs(draw: Draw) -> list[bytes]:
    return [word for key in draw.some_keys() for word in (key, draw.value())]


def _lcs(draw: Draw) -> Command:
    options = []
    for option in ([b"LEN"], [b"IDX"], [b"MINMATCHLEN", draw.offset(5)], [b"WITHMATCHLEN"]):
        if draw.chance(0.3):
            options += option
    return (b"LCS", draw.key(), draw.key(), *options)


def _expire(draw: Draw) -> Command:
    conditions = [draw.pick([b"NX", b"XX", b"GT", b"LT"]) for _ in range(draw.random.choice([0, 0, 0, 1, 1, 2]))]
    word, time = draw.deadline()
    name = {b"EX": b"EXPIRE", b"PX": b"PEXPIRE", b"EXAT": b"EXPIREAT", b"PXAT": b"PEXPIREAT"}[word]
    return (name, draw.key(), time, *conditions)


def _copy(draw: Draw) -> Command:
    options = [b"DB", draw.pick(DATABASES)] if draw.chance(0.3) else []
    if draw.chance(0.4):
        options.append(b"REPLACE")
    return (b"COPY", draw.key(), draw.key(), *options)


def _scan(draw: Draw) -> Command:
    options = [b"COUNT", b"1000"]
    if draw.chance(0.4):
        options += [b"MATCH", _glob(draw)]
    if draw.chance(0.3):
        options += [b"TYPE", draw.pick([b"string", b"STRING", b"list"])]
    return (b"SCAN", b"0", *options)


def _glob(draw: Draw) -> bytes:
    return draw.pick(
        [b"*", b"?", b"[a-c]", b"[^a]", b"{tag}*", b"*1*", b"", b"a", b"\\a", b"[", b"a**", b"k*k", b"bin*", b"[b-a]"]
    )


def _bit(draw: Draw) -> bytes:
    return str(draw.random.choice([0, 1, 7, 8, 9, 63, 64, 100, 511, 2000, draw.random.randrange(3000)])).encode()


def _range(draw: Draw) -> list[bytes]:
    if draw.chance(0.3):
        return []
    return [draw.offset(60), draw.offset(60), *([draw.pick([b"BIT", b"BYTE"])] if draw.chance(0.5) else [])]


def _bitpos(draw: Draw) -> Command:
    tail = _range(draw)
    if tail and draw.chance(0.3):
        tail = tail[:1]
    return (b"BITPOS", draw.key(), draw.pick([b"0", b"1"]), *tail)


def _amount(draw: Draw) -> bytes:
    """A number for a bit field. Nearer to -2**63 Redis' test for overflow overflows, and SAT takes the maximum."""
    return b"%d" % max(int(draw.number()), -(2**62))


def _bitfield(draw: Draw) -> Command:
    words: list[bytes] = []
    for _ in range(draw.random.randint(1, 4)):
        width = draw.random.choice([1, 2, 4, 5, 7, 8, 13, 16, 31, 32, 33, 63])
        kind = (b"u%d" if draw.chance(0.5) else b"i%d") % width
        if draw.chance(0.05):
            kind = b"i64"
        where = (b"#%d" if draw.chance(0.3) else b"%d") % draw.random.choice([0, 1, 3, 7, 8, 20, 64, 100])
        match draw.random.randrange(4):
            case 0:
                words += [b"GET", kind, where]
            case 1:
                words += [b"SET", kind, where, _amount(draw)]
            case 2:
                words += [b"INCRBY", kind, where, _amount(draw)]
            case 3:
                words += [b"OVERFLOW", draw.pick([b"WRAP", b"SAT", b"FAIL"]), b"INCRBY", kind, where, _amount(draw)]
    return (b"BITFIELD", draw.key(), *words)


def _bitop(draw: Draw) -> Command:
    operation = draw.pick([b"AND", b"OR", b"XOR", b"NOT"])
    sources = draw.some_keys(1 if operation == b"NOT" else 4)
    return (b"BITOP", operation, draw.key(), *sources)


STRINGS: list[tuple[int, Generator]] = [
    (20, _set),
    (12, lambda draw: (b"GET", draw.key())),
    (3, lambda draw: (b"GETSET", draw.key(), draw.value())),
    (2, lambda draw: (b"GETDEL", draw.key())),
    (5, _getex),
    (3, lambda draw: (b"SETNX", draw.key(), draw.value())),
    (2, lambda draw: (b"SETEX", draw.key(), b"%d" % draw.seconds(), draw.value())),
    (2, lambda draw: (b"PSETEX", draw.key(), b"%d" % (draw.seconds() * 1000), draw.value())),
    (4, lambda draw: (b"MGET", *draw.some_keys(6))),
    (4, lambda draw: (b"MSET", *_pairs(draw))),
    (3, lambda draw: (b"MSETNX", *_pairs(draw))),
    (8, lambda draw: (b"APPEND", draw.key(), draw.value())),
    (4, lambda draw: (b"STRLEN", draw.key())),
    (6, lambda draw: (b"GETRANGE", draw.key(), draw.offset(), draw.offset())),
    (1, lambda draw: (b"SUBSTR", draw.key(), draw.offset(), draw.offset())),
    (6, lambda draw: (b"SETRANGE", draw.key(), draw.offset(), draw.value())),
    (3, _lcs),
    (3, lambda draw: (b"DEL", *draw.some_keys())),
    (2, lambda draw: (b"TTL", draw.key())),
    (1, lambda draw: (GONE, draw.key())),
]

COUNTERS: list[tuple[int, Generator]] = [
    (10, lambda draw: (b"SET", draw.key(), draw.number())),
    (3, _set),
    (4, lambda draw: (b"SET", draw.key(), draw.pick(FLOATS))),
    (8, lambda draw: (b"INCR", draw.key())),
    (6, lambda draw: (b"DECR", draw.key())),
    (8, lambda draw: (b"INCRBY", draw.key(), draw.number())),
    (6, lambda draw: (b"DECRBY", draw.key(), draw.number())),
    (6, lambda draw: (b"INCRBYFLOAT", draw.key(), draw.pick(FLOATS))),
    (3, lambda draw: (b"INCRBYFLOAT", draw.key(), draw.number())),
    (6, lambda draw: (b"GET", draw.key())),
    (2, lambda draw: (b"APPEND", draw.key(), draw.pick([b"0", b"1", b".", b"x", b""]))),
    (1, lambda draw: (b"SETRANGE", draw.key(), b"0", b"7")),
    (2, lambda draw: (b"DEL", draw.key())),
    (1, lambda draw: (b"EXPIREAT", draw.key(), b"%d" % draw.moment())),
    (1, lambda draw: (b"PEXPIRETIME", draw.key())),
]

BITMAPS: list[tuple[int, Generator]] = [
    (8, lambda draw: (b"SETBIT", draw.key(), _bit(draw), draw.pick([b"0", b"1"]))),
    (6, lambda draw: (b"GETBIT", draw.key(), _bit(draw))),
    (8, lambda draw: (b"BITCOUNT", draw.key(), *_range(draw))),
    (8, _bitpos),
    (8, _bitop),
    (8, _bitfield),
    (2, lambda draw: (b"BITFIELD_RO", draw.key(), b"GET", b"u8", _bit(draw))),
    (5, lambda draw: (b"SET", draw.key(), draw.value())),
    (3, lambda draw: (b"SET", draw.key(), draw.pick([b"\xff" * 30, b"\x00" * 30, b"\xff\xff\xfe", b"\x00\x00\x01"]))),
    (4, lambda draw: (b"GET", draw.key())),
    (2, lambda draw: (b"DEL", draw.key())),
    (1, lambda draw: (b"EXPIREAT", draw.key(), b"%d" % draw.moment())),
]

ELEMENTS = [b"a", b"b", b"c", b"1", b"-7", b"65536", b"", b"x" * 70]
"""Few, so that searches find something."""


def _element(draw: Draw) -> bytes:
    return draw.pick(ELEMENTS) if draw.chance(0.7) else draw.value()


def _elements(draw: Draw) -> list[bytes]:
    most = draw.random.choice([1, 2, 5, 40])
    return [_element(draw) for _ in range(draw.random.randint(1, most))]


def _place(draw: Draw) -> bytes:
    return str(draw.random.choice([0, 0, 1, 2, -1, -1, -2, 3, 7, -7, 100, -100])).encode()


def _end(draw: Draw) -> bytes:
    return draw.pick([b"LEFT", b"RIGHT"])


def _lpos(draw: Draw) -> Command:
    options: list[bytes] = []
    for option in ([b"RANK", _place(draw)], [b"COUNT", _place(draw)], [b"MAXLEN", _place(draw)]):
        if draw.chance(0.3):
            options += option
    return (b"LPOS", draw.key(), _element(draw), *options)


def _lmpop(draw: Draw) -> Command:
    keys = draw.some_keys()
    options = [b"COUNT", _place(draw)] if draw.chance(0.4) else []
    return (b"LMPOP", b"%d" % len(keys), *keys, _end(draw), *options)


LISTS: list[tuple[int, Generator]] = [
    (14, lambda draw: (draw.pick([b"LPUSH", b"RPUSH"]), draw.key(), *_elements(draw))),
    (3, lambda draw: (draw.pick([b"LPUSHX", b"RPUSHX"]), draw.key(), *_elements(draw))),
    (6, lambda draw: (draw.pick([b"LPOP", b"RPOP"]), draw.key(), *([_place(draw)] if draw.chance(0.4) else []))),
    (2, lambda draw: (b"LLEN", draw.key())),
    (4, lambda draw: (b"LINDEX", draw.key(), _place(draw))),
    (6, lambda draw: (b"LRANGE", draw.key(), _place(draw), _place(draw))),
    (4, lambda draw: (b"LSET", draw.key(), _place(draw), _element(draw))),
    (5, lambda draw: (b"LINSERT", draw.key(), draw.pick([b"BEFORE", b"AFTER"]), _element(draw), _element(draw))),
    (4, lambda draw: (b"LREM", draw.key(), _place(draw), _element(draw))),
    (2, lambda draw: (b"LTRIM", draw.key(), _place(draw), _place(draw))),
    (4, _lpos),
    (4, lambda draw: (b"LMOVE", draw.key(), draw.key(), _end(draw), _end(draw))),
    (2, lambda draw: (b"RPOPLPUSH", draw.key(), draw.key())),
    (3, _lmpop),
    (2, lambda draw: (b"DEL", *draw.some_keys())),
    (1, lambda draw: (b"SET", draw.key(), draw.value())),
    (1, lambda draw: (draw.pick([b"RENAME", b"COPY"]), draw.key(), draw.key())),
    (1, lambda draw: (b"EXPIREAT", draw.key(), b"%d" % draw.moment())),
    (1, lambda draw: (b"TYPE", draw.key())),
    (1, lambda draw: (draw.pick([b"GET", b"STRLEN", b"INCR"]), draw.key())),
    (1, lambda draw: (b"MGET", *draw.some_keys())),
    (1, lambda draw: (b"SCAN", b"0", b"COUNT", b"1000", b"TYPE", draw.pick([b"list", b"string"]))),
    (1, lambda draw: (GONE, draw.key())),
]

FIELDS = [b"f", b"g", b"h", b"1", b"-7", b"", b"field", b"\xff\x00", b"x" * 70]
"""Few, so that commands meet what others wrote."""


def _field(draw: Draw) -> bytes:
    return draw.pick(FIELDS) if draw.chance(0.8) else b"field:%d" % draw.random.randrange(300)


def _fields(draw: Draw) -> list[bytes]:
    return [_field(draw) for _ in range(draw.random.choice([1, 1, 2, 3, 6]))]


def _hset(draw: Draw) -> Command:
    if draw.chance(0.1):
        # Beyond what is small: a hash table from here on.
        pairs = [word for n in range(draw.random.choice([100, 129])) for word in (b"field:%d" % n, b"%d" % n)]
    else:
        pairs = [word for field in _fields(draw) for word in (field, draw.value())]
    return (draw.pick([b"HSET", b"HSET", b"HMSET"]), draw.key(), *pairs)


def _hrandfield(draw: Draw) -> Command:
    options = [draw.pick([b"0", b"1", b"1000", b"-5", b"-1", b"5"])] if draw.chance(0.8) else []
    if options and draw.chance(0.5):
        options.append(b"WITHVALUES")
    return (b"HRANDFIELD", draw.key(), *options)


def _walk(name: bytes) -> Generator:
    def walk(draw: Draw) -> Command:
        options = [b"MATCH", _glob(draw)] if draw.chance(0.4) else []
        return (name, draw.key(), b"0", b"COUNT", b"100000", *options)

    return walk


HASHES: list[tuple[int, Generator]] = [
    (16, _hset),
    (3, lambda draw: (b"HSETNX", draw.key(), _field(draw), draw.value())),
    (8, lambda draw: (b"HGET", draw.key(), _field(draw))),
    (5, lambda draw: (b"HMGET", draw.key(), *_fields(draw))),
    (5, lambda draw: (b"HDEL", draw.key(), *_fields(draw))),
    (4, lambda draw: (draw.pick([b"HGETALL", b"HKEYS", b"HVALS"]), draw.key())),
    (3, lambda draw: (b"HLEN", draw.key())),
    (6, lambda draw: (draw.pick([b"HEXISTS", b"HSTRLEN"]), draw.key(), _field(draw))),
    (5, lambda draw: (b"HINCRBY", draw.key(), _field(draw), draw.number())),
    (3, lambda draw: (b"HSET", draw.key(), _field(draw), draw.number())),
    (2, lambda draw: (b"HSET", draw.key(), _field(draw), draw.pick(FLOATS))),
    (4, lambda draw: (b"HINCRBYFLOAT", draw.key(), _field(draw), draw.pick(FLOATS))),
    (3, _hrandfield),
    (3, _walk(b"HSCAN")),
    (2, lambda draw: (b"DEL", *draw.some_keys())),
    (1, lambda draw: (b"SET", draw.key(), draw.value())),
    (1, lambda draw: (b"SADD", draw.key(), *_fields(draw))),
    (2, lambda draw: (draw.pick([b"RENAME", b"COPY"]), draw.key(), draw.key())),
    (1, lambda draw: (b"EXPIREAT", draw.key(), b"%d" % draw.moment())),
    (1, lambda draw: (b"TYPE", draw.key())),
    (1, lambda draw: (draw.pick([b"GET", b"STRLEN", b"INCR", b"LLEN"]), draw.key())),
    (1, lambda draw: (b"SCAN", b"0", b"COUNT", b"1000", b"TYPE", draw.pick([b"hash", b"string"]))),
    (1, lambda draw: (GONE, draw.key())),
]


def _member(draw: Draw) -> bytes:
    return b"%d" % draw.random.randrange(20) if draw.chance(0.5) else draw.pick(FIELDS)


def _sadd(draw: Draw) -> Command:
    if draw.chance(0.12):
        # At the borders of the forms: integers of every width, and more than are small.
        start, count = draw.random.choice([0, 30_000, 2**31 - 50]), draw.random.choice([100, 129, 513])
        return (b"SADD", draw.key(), *(b"%d" % n for n in range(start, start + count)))
    if draw.chance(0.1):
        return (b"SADD", draw.key(), *(b"field:%d" % n for n in range(draw.random.choice([100, 129]))))
    most = draw.random.choice([1, 2, 5, 12])
    return (b"SADD", draw.key(), *(_member(draw) if draw.chance(0.8) else draw.value() for _ in range(most)))


def _members(draw: Draw) -> list[bytes]:
    return [_member(draw) for _ in range(draw.random.choice([1, 1, 2, 5]))]


def _combine(draw: Draw) -> Command:
    name = draw.pick([b"SINTER", b"SUNION", b"SDIFF"])
    return (name + b"STORE", draw.key(), *draw.some_keys()) if draw.chance(0.5) else (name, *draw.some_keys())


def _sintercard(draw: Draw) -> Command:
    keys = draw.some_keys()
    options = [b"LIMIT", draw.pick([b"0", b"1", b"3", b"1000", b"-1"])] if draw.chance(0.5) else []
    return (b"SINTERCARD", b"%d" % len(keys), *keys, *options)


SETS: list[tuple[int, Generator]] = [
    (18, _sadd),
    (6, lambda draw: (b"SREM", draw.key(), *_members(draw))),
    (5, lambda draw: (b"SISMEMBER", draw.key(), _member(draw))),
    (4, lambda draw: (b"SMISMEMBER", draw.key(), *_members(draw))),
    (4, lambda draw: (b"SMEMBERS", draw.key())),
    (3, lambda draw: (b"SCARD", draw.key())),
    (2, lambda draw: (b"SPOP", draw.key(), draw.pick([b"0", b"100000", b"100000"]))),
    (3, lambda draw: (b"SRANDMEMBER", draw.key(), *([draw.pick([b"0", b"1000", b"-5", b"5"])] * draw.chance(0.8)))),
    (6, lambda draw: (b"SMOVE", draw.key(), draw.key(), _member(draw))),
    (12, _combine),
    (5, _sintercard),
    (3, _walk(b"SSCAN")),
    (2, lambda draw: (b"DEL", *draw.some_keys())),
    (1, lambda draw: (b"SET", draw.key(), draw.value())),
    (1, lambda draw: (b"HSET", draw.key(), b"f", b"v")),
    (2, lambda draw: (draw.pick([b"RENAME", b"COPY"]), draw.key(), draw.key())),
    (1, lambda draw: (b"EXPIREAT", draw.key(), b"%d" % draw.moment())),
    (1, lambda draw: (b"TYPE", draw.key())),
    (1, lambda draw: (draw.pick([b"GET", b"STRLEN", b"INCR", b"HLEN"]), draw.key())),
    (1, lambda draw: (b"SCAN", b"0", b"COUNT", b"1000", b"TYPE", draw.pick([b"set", b"string"]))),
    (1, lambda draw: (GONE, draw.key())),
]

SCORES = [b"0", b"1", b"1", b"2", b"3", b"-1", b"-0", b"0.5", b"-2.25", b"1e3", b"0.1", b"inf", b"-inf", b"1000000"]
BOUNDS = [*SCORES, b"(1", b"(2", b"(-inf", b"(0.5", b"-inf", b"+inf", b"(", b" 1", b"0x2"]
NAMES = [b"a", b"b", b"c", b"d", b"e", b"ab", b"1", b"-7", b"65536", b"", b"\xff", b"\x00", b"x" * 64, b"x" * 65]
LEX_KEYS = [b"{tag}names", b"{tag}few names"]
LEX_BOUNDS = [b"-", b"+", *(mark + name for mark in (b"[", b"(") for name in NAMES[:8])]
"""Names are in order only where all scores are equal: in keys of their own."""


def _name(draw: Draw) -> bytes:
    return draw.pick(NAMES) if draw.chance(0.8) else draw.value()


def _score(draw: Draw) -> bytes:
    return draw.pick(SCORES) if draw.chance(0.8) else b"%d" % draw.random.randint(-300, 300)


def _zadd(draw: Draw) -> Command:
    options = [draw.pick([b"NX", b"XX", b"GT", b"LT", b"CH", b"INCR"]) for _ in range(draw.random.choice([0, 0, 1, 2]))]
    most = 1 if b"INCR" in options and draw.chance(0.9) else draw.random.choice([1, 3, 10])
    pairs = [word for _ in range(draw.random.randint(1, most)) for word in (_score(draw), _name(draw))]
    return (b"ZADD", draw.key(), *options, *pairs)


def _zadd_many(draw: Draw) -> Command:
    first, step = draw.random.randrange(60), draw.random.randint(1, 3)
    numbers = range(first, first + draw.random.choice([100, 127, 129, 200]) * step, step)
    return (b"ZADD", draw.key(), *(word for n in numbers for word in (b"%d" % (n % 17), b"m%d" % n)))


def _limit(draw: Draw) -> list[bytes]:
    return [b"LIMIT", _place(draw), _place(draw)] if draw.chance(0.4) else []


def _with_scores(draw: Draw) -> list[bytes]:
    return [b"WITHSCORES"] if draw.chance(0.5) else []


def _zrange(draw: Draw) -> Command:
    reversed_ = [b"REV"] if draw.chance(0.4) else []
    if draw.chance(0.4):
        return (b"ZRANGE", draw.key(), _place(draw), _place(draw), *reversed_, *_with_scores(draw))
    bounds = [draw.pick(BOUNDS), draw.pick(BOUNDS)]
    return (b"ZRANGE", draw.key(), *bounds, b"BYSCORE", *reversed_, *_limit(draw), *_with_scores(draw))


def _zrangestore(draw: Draw) -> Command:
    reversed_ = [b"REV"] if draw.chance(0.4) else []
    if draw.chance(0.4):
        return (b"ZRANGESTORE", draw.key(), draw.key(), _place(draw), _place(draw), *reversed_)
    bounds = [draw.pick(BOUNDS), draw.pick(BOUNDS)]
    return (b"ZRANGESTORE", draw.key(), draw.key(), *bounds, b"BYSCORE", *reversed_, *_limit(draw))


def _names(draw: Draw) -> Command:
    key, bounds = draw.pick(LEX_KEYS), [draw.pick(LEX_BOUNDS), draw.pick(LEX_BOUNDS)]
    match draw.random.randrange(7):
        case 0:
            return (b"ZRANGE", key, *bounds, b"BYLEX", *([b"REV"] if draw.chance(0.5) else []), *_limit(draw))
        case 1:
            return (draw.pick([b"ZRANGEBYLEX", b"ZREVRANGEBYLEX"]), key, *bounds, *_limit(draw))
        case 2:
            return (b"ZLEXCOUNT", key, *bounds)
        case 3 if draw.chance(0.4):
            return (b"ZREMRANGEBYLEX", key, *bounds)
        case 4 if key == LEX_KEYS[0]:
            return (b"ZADD", key, *(word for n in range(draw.random.randint(1, 200)) for word in (b"0", b"n%d" % n)))
    pairs = [word for _ in range(draw.random.randint(1, 8)) for word in (b"0", _name(draw))]
    return (b"ZADD", key, *pairs)


def _sources(draw: Draw) -> list[bytes]:
    keys = draw.some_keys()
    return [b"%d" % (len(keys) if draw.chance(0.97) else draw.random.randint(-1, 5)), *keys]


def _zcombine(draw: Draw, *, stores: bool) -> Command:
    operation = draw.pick([b"ZUNION", b"ZUNION", b"ZINTER", b"ZDIFF"])
    sources, options = _sources(draw), list[bytes]()
    if operation != b"ZDIFF" and draw.chance(0.3):
        options += [b"WEIGHTS", *(draw.pick([b"1", b"2", b"-1", b"0", b"0.5", b"inf"]) for _ in sources[1:])]
    if operation != b"ZDIFF" and draw.chance(0.3):
        options += [b"AGGREGATE", draw.pick([b"SUM", b"MIN", b"MAX"])]
    if stores:
        return (operation + b"STORE", draw.key(), *sources, *options)
    return (operation, *sources, *options, *_with_scores(draw))


def _zpop(draw: Draw) -> Command:
    if draw.chance(0.4):
        options = [b"COUNT", _place(draw)] if draw.chance(0.4) else []
        return (b"ZMPOP", *_sources(draw), draw.pick([b"MIN", b"MAX"]), *options)
    return (draw.pick([b"ZPOPMIN", b"ZPOPMAX"]), draw.key(), *([_place(draw)] if draw.chance(0.5) else []))


def _zrandmember(draw: Draw) -> Command:
    count = [_place(draw), *_with_scores(draw)] if draw.chance(0.7) else []
    return (b"ZRANDMEMBER", draw.key(), *count)


def _zscan(draw: Draw) -> Command:
    pattern = [b"MATCH", _glob(draw)] if draw.chance(0.3) else []
    return (b"ZSCAN", draw.key(), b"0", b"COUNT", b"1000", *pattern)


SORTED_SETS: list[tuple[int, Generator]] = [
    (24, _zadd),
    (2, _zadd_many),
    (5, lambda draw: (b"ZINCRBY", draw.key(), _score(draw), _name(draw))),
    (4, lambda draw: (b"ZREM", draw.key(), *(_name(draw) for _ in range(draw.random.randint(1, 4))))),
    (4, lambda draw: (b"ZSCORE", draw.key(), _name(draw))),
    (2, lambda draw: (b"ZMSCORE", draw.key(), *(_name(draw) for _ in range(draw.random.randint(1, 4))))),
    (2, lambda draw: (b"ZCARD", draw.key())),
    (4, lambda draw: (b"ZCOUNT", draw.key(), draw.pick(BOUNDS), draw.pick(BOUNDS))),
    (6, lambda draw: (draw.pick([b"ZRANK", b"ZREVRANK"]), draw.key(), _name(draw))),
    (8, _zrange),
    (3, _zrangestore),
    (3, lambda draw: (b"ZREVRANGE", draw.key(), _place(draw), _place(draw), *_with_scores(draw))),
    (
        4,
        lambda draw: (
            draw.pick([b"ZRANGEBYSCORE", b"ZREVRANGEBYSCORE"]),
            *(draw.key(), draw.pick(BOUNDS), draw.pick(BOUNDS), *_limit(draw), *_with_scores(draw)),
        ),
    ),
    (12, _names),
    (2, lambda draw: (b"ZREMRANGEBYRANK", draw.key(), _place(draw), _place(draw))),
    (2, lambda draw: (b"ZREMRANGEBYSCORE", draw.key(), draw.pick(BOUNDS), draw.pick(BOUNDS))),
    (5, _zpop),
    (3, _zrandmember),
    (3, _zscan),
    (6, lambda draw: _zcombine(draw, stores=False)),
    (6, lambda draw: _zcombine(draw, stores=True)),
    (2, lambda draw: (b"ZINTERCARD", *_sources(draw), *([b"LIMIT", _place(draw)] if draw.chance(0.4) else []))),
    (2, lambda draw: (b"OBJECT", b"ENCODING", draw.key())),
    (1, lambda draw: (b"DEL", *draw.some_keys())),
    (1, lambda draw: (b"SET", draw.key(), draw.value())),
    (1, lambda draw: (draw.pick([b"RENAME", b"COPY"]), draw.key(), draw.key())),
    (1, lambda draw: (b"EXPIREAT", draw.key(), b"%d" % draw.moment())),
    (1, lambda draw: (b"TYPE", draw.key())),
    (1, lambda draw: (draw.pick([b"GET", b"INCR", b"LLEN"]), draw.key())),
    (2, lambda draw: (b"SADD", draw.key(), *(draw.pick(NAMES) for _ in range(draw.random.randint(1, 5))))),
    (1, lambda draw: (GONE, draw.key())),
]

KEYSPACE: list[tuple[int, Generator]] = [
    (12, _set),
    (12, _expire),
    (3, lambda draw: (b"PERSIST", draw.key())),
    (8, lambda draw: (draw.pick([b"TTL", b"PTTL", b"EXPIRETIME", b"PEXPIRETIME"]), draw.key())),
    (3, lambda draw: (draw.pick([b"DEL", b"UNLINK"]), *draw.some_keys())),
    (4, lambda draw: (draw.pick([b"EXISTS", b"TOUCH"]), *draw.some_keys())),
    (5, lambda draw: (draw.pick([b"RENAME", b"RENAMENX"]), draw.key(), draw.key())),
    (5, _copy),
    (4, lambda draw: (b"MOVE", draw.key(), draw.pick(DATABASES))),
    (4, lambda draw: (b"SELECT", draw.pick(DATABASES))),
    (1, lambda draw: (b"SWAPDB", draw.pick(DATABASES), draw.pick(DATABASES))),
    (2, lambda draw: (b"KEYS", _glob(draw))),
    (2, _scan),
    (2, _fixed(b"DBSIZE")),
    (1, _fixed(b"RANDOMKEY")),
    (3, lambda draw: (b"TYPE", draw.key())),
    (1, lambda draw: (b"OBJECT", draw.pick([b"ENCODING", b"REFCOUNT", b"IDLETIME", b"FREQ"]), draw.key())),
    (4, lambda draw: (b"GET", draw.key())),
    (1, lambda draw: (b"DUMP", draw.key())),
    (1, lambda draw: (b"RESTORE", draw.key(), b"0", draw.value())),
    (2, lambda draw: (GONE, draw.key())),
    (1, lambda draw: (draw.pick([b"FLUSHDB", b"FLUSHDB", b"FLUSHALL"]),)),
]

CONNECTION: list[tuple[int, Generator]] = [
    (4, _fixed(b"PING")),
    (3, lambda draw: (b"PING", draw.value())),
    (4, lambda draw: (b"ECHO", draw.value())),
    (5, lambda draw: (b"SELECT", draw.pick([*DATABASES, b"16", b"-1"]))),
    (4, lambda draw: (b"CLIENT", b"SETNAME", draw.pick([b"me", b"you", b"", b"a b", b"\x7f"]))),
    (4, _fixed(b"CLIENT", b"GETNAME")),
    (2, _fixed(b"CLIENT", b"ID")),
    (4, lambda draw: (b"HELLO", draw.pick([b"2", b"3", b"3", b"4", b"x"]))),
    (1, _fixed(b"RESET")),
    (1, lambda draw: (b"NOSUCH", *map(b"%r".__mod__, draw.some_keys()))),
    (1, _fixed(b"TIME")),
    (4, lambda draw: (b"SET", draw.key(), draw.value())),
    (4, lambda draw: (b"GET", draw.key())),
    (3, lambda draw: (b"MGET", *draw.some_keys())),
    (2, _lcs),
    (1, lambda draw: (b"COMMAND", b"GETKEYS", *_set(draw))),
]

FAMILIES: dict[str, list[tuple[int, Generator]]] = {
    "strings": STRINGS,
    "counters": COUNTERS,
    "bitmaps": BITMAPS,
    "lists": LISTS,
    "hashes": HASHES,
    "sets": SETS,
    "keys": KEYSPACE,
    "connection": CONNECTION,
    "sorted_sets": SORTED_SETS,
    "all": [
        *STRINGS,
        *COUNTERS,
        *BITMAPS,
        *LISTS,
        *HASHES,
        *SETS,
        *SORTED_SETS,
        *KEYSPACE,
        *CONNECTION,
    ],
}


def generate(family: str, seed: int, length: int) -> list[Command]:
    """The sequence of this family with this seed: the same on every machine."""
    draw = Draw(Random(f"{family} {seed}"))
    weights, generators = zip(*FAMILIES[family], strict=True)
    return [_perhaps_damaged(generator(draw), draw) for generator in draw.random.choices(generators, weights, k=length)]


def _perhaps_damaged(command: Command, draw: Draw) -> Command:
    if command[0] == GONE or not draw.chance(1 / 15):
        return command
    words = list(command)
    at = draw.random.randrange(len(words))
    match draw.random.randrange(4):
        # What a pop without its count takes is anybody's guess.
        case 0 if at > 0 and words[0] != b"SPOP":
            del words[at]
        case 1 if at > 0:
            words.insert(at, words[at])
        # A cursor that no server gave is a place of its own in each.
        # Names have an order where all scores are equal.
        case 2 if at > 0 and at != CURSORS.get(words[0]) and words[1] not in LEX_KEYS:
            words[at] = draw.pick(NONSENSE)
        case _:
            words[0] = words[0].lower() if draw.chance(0.7) else words[0].title()
    return tuple(words)
