"""Runs one sequence of commands on two servers, compares every reply and what is left, and shrinks what fails."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from conformance.case import GONE as CLOSED
from conformance.case import differs, show
from conformance.generate import GONE, Command
from conformance.known_differences import comparison, is_known
from harness.resp import Closed, Connection, Reply, encode, text
from harness.servers import Server
from harness.waiting import eventually
from harness.words import join

__all__ = ["Difference", "Pair", "shrink"]

PIPELINED_MAX = 32
"""Commands that are sent before their replies are read: few enough for the kernel's buffers to hold."""

SHRINKING_RUNS_MAX = 400
"""Sequences that are tried while a failure is shrunk: a second or two."""


CONTENT: dict[bytes, list[Command]] = {
    b"string": [(b"GET",), (b"STRLEN",)],
    b"list": [(b"LRANGE", b"0", b"-1"), (b"LLEN",)],
    b"set": [(b"SMEMBERS",), (b"SCARD",)],
    b"hash": [(b"HGETALL",), (b"HLEN",)],
    b"zset": [(b"ZRANGE", b"0", b"-1", b"WITHSCORES"), (b"ZCARD",)],
}
"""By type: the commands that together read all that a key holds, without the key."""


@dataclass(frozen=True)
class Difference:
    """Where two servers disagreed."""

    what: str
    ours: str
    theirs: str

    def __str__(self) -> str:
        """For the report of a failed test."""
        return f"{self.what}\n    ours:      {self.ours}\n    reference: {self.theirs}"


class Pair:
    """Two servers that are asked the same, over connections of one protocol version."""

    def __init__(self, ours: Server, theirs: Server, *, protocol: int) -> None:
        self._servers = (ours, theirs)
        self.protocol = protocol
        self._slack_ms = 0.0

    def compare(self, commands: list[Command], chunks: int | None) -> Difference | None:
        """Runs the commands on both, each empty and over a new connection; the first difference, or None.

        `chunks` seeds how many commands go out before replies are read; None sends them one by one.
        """
        for server in self._servers:
            with server.connect() as connection:
                connection.run("FLUSHALL")
        self._slack_ms = 0.0
        pair = [Connection(server.port, protocol=self.protocol) for server in self._servers]
        try:
            return self._run(pair[0], pair[1], commands, Random(chunks) if chunks is not None else None)
        finally:
            for connection in pair:
                connection.close()

    def _run(
        self, ours: Connection, theirs: Connection, commands: list[Command], chunks: Random | None
    ) -> Difference | None:
        at = 0
        while at < len(commands):
            if commands[at][0] == GONE:
                self._wait_until_gone(ours, theirs, commands[at][1])
                at += 1
                continue
            end = at + 1
            most = at + (chunks.choice([1, 2, 5, 16, PIPELINED_MAX]) if chunks else 1)
            while end < min(most, len(commands)) and commands[end][0] != GONE:
                end += 1
            difference = self._ask(ours, theirs, commands[at:end])
            if difference is not None:
                return difference
            at = end
        return self._compare_states(ours, theirs)

    def _ask(self, ours: Connection, theirs: Connection, commands: list[Command]) -> Difference | None:
        data = b"".join(map(encode, commands))
        began = time.monotonic()
        ours.sendall(data)
        theirs.sendall(data)
        replies = [(_read(ours), _read(theirs)) for _ in commands]
        # A deadline was set when both servers had seen the command, at the latest; reading it adds as much again.
        self._slack_ms = max(self._slack_ms, 2000 * (time.monotonic() - began))
        for command, (got, wanted) in zip(commands, replies, strict=True):
            if got == wanted:
                continue
            shown = show(got), show(wanted)
            if differs(comparison(command), got, wanted, self._slack_ms) and not is_known(command, *shown):
                return Difference(join(command), *shown)
        return None

    def _wait_until_gone(self, ours: Connection, theirs: Connection, key: bytes) -> None:
        for connection in (ours, theirs):
            connection.ask("PEXPIRE", key, 1)
            eventually(lambda at=connection: at.ask("EXISTS", key).value == 0, f"{key!r} expires")  # type: ignore[misc]

    def _compare_states(self, ours: Connection, theirs: Connection) -> Difference | None:
        for database in range(16):
            command = (b"SELECT", b"%d" % database)
            difference = self._ask(ours, theirs, [command, (b"KEYS", b"*")])
            if difference is not None:
                return Difference(f"left in database {database}: {difference.what}", difference.ours, difference.theirs)
            theirs.send("KEYS", "*")
            for key in theirs.read().members:
                name = key.data
                theirs.send("TYPE", name)
                content = CONTENT.get(theirs.read().data, [])
                looks: list[Command] = [(b"TYPE", name), (b"PEXPIRETIME", name)]
                looks += [(command[0], name, *command[1:]) for command in content]
                difference = self._ask(ours, theirs, looks)
                if difference is not None:
                    return Difference(
                        f"left in database {database}: {difference.what}", difference.ours, difference.theirs
                    )
        return None


def shrink(commands: list[Command], fails: Callable[[list[Command]], bool]) -> list[Command]:
    """A short subsequence that still fails: parts are left out, halves first, then ever smaller ones."""
    runs = 0
    part = max(len(commands) // 2, 1)
    while True:
        at = 0
        while at < len(commands):
            shorter = commands[:at] + commands[at + part :]
            runs += 1
            if runs > SHRINKING_RUNS_MAX:
                return commands
            if shorter and fails(shorter):
                commands = shorter
            else:
                at += part
        if part == 1:
            return commands
        part //= 2


def _read(connection: Connection) -> Reply:
    try:
        return connection.read()
    except Closed:
        return CLOSED
    except TimeoutError:
        return text(b"(no reply)")
