"""A small RESP client for the `cli` verb: one blocking socket, one command at a time, both protocol versions.

Not the SDK: no pool, no retries, no pipelining. It keeps what a terminal shows and an application does not care about:
whether a text came as a status, a bulk string or a verbatim one, and a map's order and repetitions.
"""

import socket
from typing import BinaryIO, Final, NamedTuple, Self, TypeAlias

from scrubjay.errors import AuthenticationRequired, ConnectionLost, NotFound, ScrubjayError

__all__ = ["Answer", "Bulk", "Connection", "Failure", "Pairs", "Push", "Status", "Unordered", "Verbatim"]

DEPTH_MAX: Final = 32
LINE_BYTES_MAX: Final = 1 << 20


class Status(str):
    """A short word, such as OK."""

    __slots__ = ()


class Failure(str):
    """An error line, its code first."""

    __slots__ = ()


class Bulk(bytes):
    """Bytes."""

    __slots__ = ()


class Verbatim(bytes):
    """Text for people."""

    __slots__ = ()


class Pairs(NamedTuple):
    """A map, in the order it came."""

    items: list[tuple["Answer", "Answer"]]


class Unordered(list["Answer"]):
    """A set."""

    __slots__ = ()


class Push(list["Answer"]):
    """Something that the server sent unasked."""

    __slots__ = ()


Answer: TypeAlias = "Status | Failure | bytes | int | float | bool | list[Answer] | Pairs | None"


def read_answer(stream: BinaryIO, depth: int = 0) -> Answer:
    """The next answer from a stream of RESP2 or RESP3.

    Raises:
        EOFError: the stream ended.
        ValueError: these bytes are no RESP; nothing after them can be understood.
    """
    line = _line(stream)
    kind, rest = line[:1], line[1:]
    if depth > DEPTH_MAX:
        raise ValueError(line)
    match kind:
        case b"+":
            return Status(rest.decode(errors="replace"))
        case b"-":
            return Failure(rest.decode(errors="replace"))
        case b":" | b"(":
            return int(rest)
        case b"$":
            return Bulk(_exactly(stream, int(rest))) if int(rest) >= 0 else None
        case b"!":
            return Failure(_exactly(stream, int(rest)).decode(errors="replace"))
        case b"=":
            return Verbatim(_exactly(stream, int(rest))[4:])
        case b"_":
            return None
        case b",":
            return float(rest)
        case b"#":
            return rest == b"t"
        case b"*":
            return _several(stream, int(rest), depth) if int(rest) >= 0 else None
        case b"~":
            return Unordered(_several(stream, int(rest), depth))
        case b">":
            return Push(_several(stream, int(rest), depth))
        case b"%":
            flat = _several(stream, 2 * int(rest), depth)
            return Pairs(list(zip(flat[::2], flat[1::2], strict=True)))
        case b"|":
            _several(stream, 2 * int(rest), depth)  # attributes of the answer that follows
            return read_answer(stream, depth)
    raise ValueError(line)


def _line(stream: BinaryIO) -> bytes:
    line = stream.readline(LINE_BYTES_MAX)
    if line.endswith(b"\r\n"):
        return line[:-2]
    if len(line) < LINE_BYTES_MAX:
        raise EOFError
    raise ValueError(line)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count + 2)
    if len(data) < count + 2:
        raise EOFError
    return data[:-2]


def _several(stream: BinaryIO, count: int, depth: int) -> list[Answer]:
    return [read_answer(stream, depth + 1) for _ in range(count)]


class Connection:
    """A connection to a node, authenticated and in the right database or namespace.

    Raises:
        ConnectionLost: nobody listens there, or what listens is no node.
        AuthenticationRequired: the node refused the password, or asks for one.
        NotFound: the node has no namespace of this name.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        password: str | None = None,
        user: str | None = None,
        namespace: str = "0",
        resp3: bool = False,
        timeout_s: float = 5.0,
    ) -> None:
        """Connects within `timeout_s`; answers may then take as long as they want."""
        self.place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), timeout=timeout_s)
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConnectionLost(f"cannot connect to {self.place}: {reason}; is a node running there?") from error
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self._socket.makefile("rb")
        try:
            self._begin(password, user, namespace, resp3=resp3)
        except BaseException:
            self.close()
            raise

    def _begin(self, password: str | None, user: str | None, namespace: str, *, resp3: bool) -> None:
        login = [] if password is None else [(user or "default").encode(), password.encode()]
        if resp3:
            self._require([b"HELLO", b"3", *([b"AUTH", *login] if login else [])])
        elif login:
            self._require([b"AUTH", *(login if user else login[1:])])
        if namespace != "0":
            self._require([b"SELECT", namespace.encode(errors="surrogateescape")], NotFound)

    def _require(self, words: list[bytes], error: type[ScrubjayError] = AuthenticationRequired) -> None:
        answer = self.call(words)
        if isinstance(answer, Failure):
            raise error(f"{self.place} refused {words[0].decode()}: {answer}")

    def call(self, words: list[bytes]) -> Answer:
        """Sends a command and returns its answer. A refusal is an answer too."""
        try:
            self._socket.sendall(encode(words))
        except OSError as error:
            raise self._lost() from error
        return self.receive()

    def receive(self) -> Answer:
        """Waits for the next answer."""
        try:
            return read_answer(self._stream)
        except (OSError, EOFError) as error:
            raise self._lost() from error
        except ValueError as error:
            raise ConnectionLost(f"{self.place} does not speak RESP: is this the port for Redis clients?") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._stream.close()
        self._socket.close()

    def _lost(self) -> ConnectionLost:
        return ConnectionLost(f"{self.place} closed the connection")


def encode(words: list[bytes]) -> bytes:
    """A command as RESP."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
