"""A RESP client that hides nothing: every reply comes back with the byte that its type had on the wire.

Client libraries fold `+OK` and `$2 OK` into one string, three kinds of null into `None`, sets and arrays into lists.
Those are differences that a conformance test must see, so a `Reply` keeps them. It speaks both versions of the protocol
and has no opinion about what is sent: `Connection.sendall` takes any bytes.
"""

import io
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Self, Union

__all__ = ["Closed", "Connection", "Reply", "encode", "errors_with", "integer", "null", "simple", "text"]

TIMEOUT_S = 20.0
"""How long a reply may take before a test fails: far beyond any reply on a busy machine, below pytest's own limit."""

COUNTED = {"*": 1, "~": 1, ">": 1, "%": 2, "|": 2}
"""Types whose header is a count, and how many values each count announces."""

Value = Union[bytes, int, None, tuple["Reply", ...]]  # noqa: UP007 - a name that is not yet defined
Argument = bytes | str | int | float


class Closed(ConnectionError):
    """The server closed the connection where a reply was due."""


class Reply(NamedTuple):
    """A value as it was on the wire."""

    kind: str
    """The first byte: one of `+ - : $ * _ # , ( ! = % ~ > |`."""

    value: Value
    """Bytes; for `:` a number; for collections their members, maps flattened to key, value, ...; None for a null."""

    def __str__(self) -> str:
        """As the tables of cases write it: `+OK`, `:1`, `"bulk"`, `[:1, "a"]`, `nil$`."""
        if self.value is None:
            return f"nil{self.kind}"
        if isinstance(self.value, tuple):
            opening = "" if self.kind == "*" else self.kind
            return f"{opening}[{', '.join(map(str, self.value))}]"
        if isinstance(self.value, int):
            return f"{self.kind}{self.value}"
        if self.kind == "$":
            return quoted(self.value)
        return self.kind + self.value.decode("utf-8", "backslashreplace")

    @property
    def is_error(self) -> bool:
        """Whether the server refused."""
        return self.kind in "-!"

    @property
    def data(self) -> bytes:
        """The value of a reply that must be text."""
        assert isinstance(self.value, bytes), f"{self} is not text"
        return self.value

    @property
    def number(self) -> int:
        """The value of a reply that must be a number."""
        assert isinstance(self.value, int), f"{self} is not a number"
        return self.value

    @property
    def members(self) -> "tuple[Reply, ...]":
        """The members of a reply that must be a collection."""
        assert isinstance(self.value, tuple), f"{self} is no collection"
        return self.value

    def pairs(self) -> dict[bytes, "Reply"]:
        """A map, or in RESP2 the flat array that stands for one."""
        members = self.members
        return {name.data: value for name, value in zip(members[::2], members[1::2], strict=True)}


def simple(line: str) -> Reply:
    """`+line`."""
    return Reply("+", line.encode())


def integer(number: int) -> Reply:
    """`:number`."""
    return Reply(":", number)


def text(value: bytes | str) -> Reply:
    """A bulk string."""
    return Reply("$", value.encode() if isinstance(value, str) else value)


def null(protocol: int = 2) -> Reply:
    """What a missing value is in each version."""
    return Reply("_" if protocol == 3 else "$", None)


def errors_with(line: str) -> Reply:
    """`-line`."""
    return Reply("-", line.encode())


def quoted(value: bytes) -> str:
    """Bytes as redis-cli would accept them between double quotes."""
    inner = "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\x{b:02x}" for b in value)
    return f'"{inner}"'


def encode(words: Iterable[Argument]) -> bytes:
    """A command as an array of bulk strings."""
    arguments = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(arguments) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in arguments)


class Connection:
    """One connection. Not for several threads at once.

    `protocol=3` sends `HELLO 3` first. Every wait is bounded by `TIMEOUT_S`.
    """

    def __init__(self, port: int, *, protocol: int = 2, password: str | None = None) -> None:
        self.port = port
        self.protocol = protocol
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = io.BufferedReader(socket.SocketIO(self.socket, "r"), 1 << 16)
        if password is not None:
            self.expect(simple("OK"), "AUTH", password)
        if protocol == 3:
            self.run("HELLO", 3)

    def close(self) -> None:
        """Close it; the server may still be answering."""
        self._file.close()
        self.socket.close()

    def __enter__(self) -> Self:
        """Nothing more to do: it is open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def sendall(self, data: bytes) -> None:
        """Bytes as they are."""
        self.socket.sendall(data)

    def send(self, *words: Argument) -> None:
        """A command, without waiting for its reply."""
        self.socket.sendall(encode(words))

    def ask(self, *words: Argument) -> Reply:
        """A command and its reply, errors included."""
        self.send(*words)
        return self.read()

    def run(self, *words: Argument) -> Reply:
        """A command that must not fail, and its reply."""
        reply = self.ask(*words)
        assert not reply.is_error, f"{words!r} was answered {reply}"
        return reply

    def expect(self, expected: Reply, *words: Argument) -> None:
        """A command that must be answered by exactly this."""
        reply = self.ask(*words)
        assert reply == expected, f"{words!r} was answered {reply}, not {expected}"

    def pipeline(self, commands: Sequence[Sequence[Argument]]) -> list[Reply]:
        """All commands in one write, then all replies. Not for more than the buffers on the way hold."""
        self.socket.sendall(b"".join(map(encode, commands)))
        return [self.read() for _ in commands]

    def info(self, section: str = "everything") -> dict[str, str]:
        """The fields of INFO."""
        reply = self.run("INFO", section)
        lines = reply.data.decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def read(self) -> Reply:
        """The next reply, whatever it is.

        Raises:
            Closed: there is none, because the server closed or reset the connection.
        """
        try:
            return self._reply()
        except (ConnectionResetError, BrokenPipeError) as error:
            raise Closed(str(error)) from error

    def is_closed_by_server(self) -> bool:
        """Waits until the server closes; replies that still come are read and dropped."""
        try:
            while True:
                if not self._file.read1(1 << 16):
                    return True
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def _line(self) -> bytes:
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise Closed(f"closed after {line!r}")
        return line

    def _reply(self) -> Reply:
        line = self._line()
        kind, rest = chr(line[0]), line[1:-2]
        match kind:
            case "$" | "=" | "!":
                length = int(rest)
                if length < 0:
                    return Reply(kind, None)
                body = self._file.read(length + 2)
                if len(body) != length + 2:
                    raise Closed(f"closed within a value of {length} bytes")
                assert body.endswith(b"\r\n"), f"a value of {length} bytes does not end where it said"
                return Reply(kind, body[:-2])
            case ":":
                return Reply(kind, int(rest))
            case "+" | "-" | "#" | "," | "(":
                return Reply(kind, rest)
            case "_":
                return Reply(kind, None)
            case _ if kind in COUNTED:
                count = int(rest)
                if count < 0:
                    return Reply(kind, None)
                return Reply(kind, tuple(self._reply() for _ in range(count * COUNTED[kind])))
        raise AssertionError(f"{line!r} begins no reply")


@contextmanager
def connected(*connections: Connection) -> Iterator[tuple[Connection, ...]]:
    """Connections that are closed together."""
    try:
        yield connections
    finally:
        for connection in connections:
            connection.close()
