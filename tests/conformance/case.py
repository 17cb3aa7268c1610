r"""The tables of cases: what is sent to both servers, line by line, and how the replies are compared.

```text
## set_nx_writes_only_what_is_missing     a case: a claim; both servers are emptied, both connections new
SET a 1 NX                                a command as redis-cli reads it; both must answer the very same bytes
near: PTTL a                              numbers may differ by 5 ms and what passed between asking one and the other
seconds: TTL a                            numbers may differ by one, which rounding does
set: KEYS *                               members in any order, one level down too (SCAN)
map: CONFIG GET a b                       names and values, the pairs in any order
scores: ZRANGE z 0 -1 WITHSCORES          the same numbers, however many digits they have
kind: CLIENT ID                           only the types of the parts must agree
code: CONFIG SET timeout x                both refuse, with the same first word
none: CLIENT REPLY OFF                    nobody answers
raw: "PING\r\n"                         the bytes as they are, not an array
closed:                                   both have closed the connection
## set_ifeq_compares (8.4)                newer than the reference: asked of ours alone, so each line says its reply
SET a 1     => +OK                        after the arrow, as `Reply` prints it, any null as `nil`
```
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.resp import Closed, Connection, Reply
from harness.words import split

__all__ = ["Case", "Line", "differs", "load", "show"]

FOLDER = Path(__file__).parent / "cases"
HEADING = re.compile(r"## (?P<name>\w+)(?: \((?P<since>[\d.]+)\))?")
LINE = re.compile(
    r"(?:(?P<how>near|seconds|set|map|scores|kind|code|none|raw|closed):)?\s*"
    r"(?P<command>.*?)(?:\s+=> (?P<expected>.*))?"
)

GONE = Reply("x", b"closed")
"""In place of a reply: the connection was closed."""

NEAR_MS = 5
"""How far apart deadlines may be that two servers computed from their own clocks, beyond what the client saw pass."""

ABSOLUTE_S = 4_000_000_000
"""The year 2096. Tables and generators set no relative deadline that far ahead, so a deadline beyond was set absolutely
and must be equal."""


@dataclass(frozen=True)
class Line:
    """One line of a case."""

    source: str
    words: tuple[bytes, ...]
    how: str
    expected: str | None

    def ask(self, connection: Connection) -> Reply | None:
        """Sends it and waits for what it is answered; None where nothing is due."""
        try:
            if self.how == "closed":
                return GONE if connection.is_closed_by_server() else Reply("x", b"open")
            if self.how == "raw":
                connection.sendall(self.words[0])
            else:
                connection.send(*self.words)
            return None if self.how == "none" else connection.read()
        except Closed:
            return GONE

    def differs(self, ours: Reply | None, theirs: Reply | None, passed_ms: float) -> bool:
        """Whether the two replies to this line disagree."""
        return differs(self.how, ours, theirs, passed_ms)


@dataclass(frozen=True)
class Case:
    """Lines that are sent over one connection to an empty server."""

    name: str
    family: str
    since: str | None
    lines: tuple[Line, ...]


def load() -> Iterator[Case]:
    """Every case of every table."""
    for path in sorted(FOLDER.glob("*.case")):
        name, since, lines = "", None, list[Line]()
        for source in [*path.read_text("utf-8").splitlines(), "## end"]:
            if source.startswith("# ") or not source.strip():
                continue
            if heading := HEADING.fullmatch(source):
                if name:
                    yield Case(name, path.stem, since, tuple(lines))
                name, since, lines = heading["name"], heading["since"], []
            else:
                lines.append(_line(source))


def show(reply: Reply | None) -> str:
    """A reply as tables write it: all nulls alike."""
    return "nothing" if reply is None else re.sub(r"nil[$*_]", "nil", str(reply))


def differs(how: str, ours: Reply | None, theirs: Reply | None, passed_ms: float = 0) -> bool:
    """Whether two replies disagree, compared as `how` says.

    `passed_ms`: how long the client waited, at most, between what set a time on one server and on the other.
    """
    if ours is None or theirs is None or ours == theirs:
        return ours is not theirs and ours != theirs
    if how == "code":
        return not (ours.is_error and theirs.is_error and ours.data.split()[0] == theirs.data.split()[0])
    if ours.is_error or theirs.is_error:
        return True
    match how:
        case "near":
            return _further_than(NEAR_MS + passed_ms, ABSOLUTE_S * 1000, ours, theirs)
        case "seconds":
            return _further_than(1 + passed_ms / 1000, ABSOLUTE_S, ours, theirs)
        case "set":
            return _unordered(ours) != _unordered(theirs)
        case "scores":
            return _scored(ours) != _scored(theirs)
        case "scored set":
            return _unordered(_scored(ours)) != _unordered(_scored(theirs))
        case "map":
            return ours.kind != theirs.kind or ours.pairs() != theirs.pairs()
        case "kind":
            return not _same_kind(ours, theirs)
    return True


def _further_than(distance: float, absolute: int, ours: Reply, theirs: Reply) -> bool:
    if not (isinstance(ours.value, int) and isinstance(theirs.value, int)):
        return True
    # -1 and -2 say that there is no deadline; one from ABSOLUTE_S on comes from no clock.
    if min(ours.value, theirs.value) < 0 or theirs.value >= absolute:
        return True
    return abs(ours.value - theirs.value) > distance


def _line(source: str) -> Line:
    match = LINE.fullmatch(source)
    assert match, source
    words = tuple(split(match["command"]))
    assert words or match["how"] == "closed", source
    return Line(source, words, match["how"] or "exact", match["expected"])


def _unordered(reply: Reply) -> Reply:
    if not isinstance(reply.value, tuple):
        return reply
    members = tuple(
        Reply(part.kind, tuple(sorted(part.value, key=str))) if isinstance(part.value, tuple) else part
        for part in reply.value
    )
    return Reply(reply.kind, tuple(sorted(members, key=str)))


def _scored(reply: Reply) -> Reply:
    """The reply with every number in one form. Redis keeps a zero's sign where it keeps a skip list, and only there."""
    if isinstance(reply.value, tuple):
        return Reply(reply.kind, tuple(map(_scored, reply.value)))
    if not isinstance(reply.value, bytes):
        return reply
    try:
        return Reply(reply.kind, repr(float(reply.value) + 0.0).encode())
    except ValueError:
        return reply


def _same_kind(ours: Reply, theirs: Reply) -> bool:
    if ours.kind != theirs.kind or type(ours.value) is not type(theirs.value):
        return False
    if isinstance(ours.value, tuple) and isinstance(theirs.value, tuple):
        return len(ours.value) == len(theirs.value) and all(map(_same_kind, ours.value, theirs.value))
    return True
