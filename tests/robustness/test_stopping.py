"""SIGTERM and SIGINT while clients are at it: what was read is finished, what was answered is true, nobody hangs."""

import json
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import BinaryIO

import pytest

from harness.resp import Closed, Connection, encode, integer, simple
from harness.servers import Server
from harness.waiting import DEADLINE_S, eventually

CLIENTS = 8
BATCH = 50
"""Commands in one write of some 1.5 KB: a node that reads any of it has read all of it."""

SIGNALS = [signal.SIGTERM, signal.SIGINT]


class Client(threading.Thread):
    """Works on its own until the node closes the connection; a failure is raised by `ended`."""

    def __init__(self, work: Callable[["Client"], None]) -> None:
        super().__init__(daemon=True)
        self.answered = 0
        self._work = work
        self._failure: BaseException | None = None
        self.start()

    def run(self) -> None:
        """Do it."""
        try:
            self._work(self)
        except BaseException as error:  # noqa: BLE001 - raised by the test's own thread
            self._failure = error

    def ended(self) -> None:
        """Waits until it has seen the end of its connection."""
        self.join(DEADLINE_S)
        assert not self.is_alive(), "a client still waits for its node"
        if self._failure is not None:
            raise self._failure


def stopped_under_load(
    node: Server, stop: signal.Signals, work: Callable[[int], Callable[[Client], None]]
) -> list[Client]:
    """Stops the node once each of some clients is well under way, and waits for all ends."""
    clients = [Client(work(number)) for number in range(CLIENTS)]
    eventually(lambda: all(client.answered > 20 * BATCH or not client.is_alive() for client in clients), "they work")
    node.signal(stop)
    for client in clients:
        client.ended()
    assert node.exit_code() == 0, node.output
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", node.port))
    assert "panicked" not in node.output
    return clients


@pytest.mark.parametrize("stop", SIGNALS)
def test_a_batch_of_writes_that_a_stopping_node_has_read_is_answered_whole(
    stop: signal.Signals, serve: Callable[..., Server]
) -> None:
    node = serve()

    def work(number: int) -> Callable[[Client], None]:
        batch = encode(("INCR", f"counter:{number}")) * BATCH

        def batches(client: Client) -> None:
            with node.connect() as connection, suppress(Closed, ConnectionResetError, BrokenPipeError):
                while True:
                    connection.sendall(batch)
                    for _ in range(BATCH):
                        assert connection.read() == integer(client.answered + 1)
                        client.answered += 1

        return batches

    for client in stopped_under_load(node, stop, work):
        assert client.answered % BATCH == 0, "part of a batch was done, or done and not answered"


@pytest.mark.parametrize("stop", SIGNALS)
def test_clients_that_never_stop_sending_get_whole_replies_to_the_end(
    stop: signal.Signals, serve: Callable[..., Server]
) -> None:
    # They may be long in reading what is in the kernel's buffers, all of them in one interpreter.
    node = serve(shutdown_timeout="1h")

    def work(number: int) -> Callable[[Client], None]:
        requests = encode(("INCR", f"counter:{number}")) * 1000

        def flood(client: Client) -> None:
            with node.connect() as connection:
                sender = Client(lambda _: _send_until_closed(connection, requests))
                rest = b""
                for data in _pieces(connection):
                    *replies, rest = (rest + data).split(b"\r\n")
                    first = client.answered + 1
                    assert replies == [b":%d" % count for count in range(first, first + len(replies))]
                    client.answered += len(replies)
                assert rest == b"", "the last reply is cut off"
                sender.ended()

        return flood

    stopped_under_load(node, stop, work)


@pytest.mark.parametrize("stop", SIGNALS)
def test_http_writes_that_a_stopping_node_has_read_are_answered_whole(
    stop: signal.Signals, serve: Callable[..., Server]
) -> None:
    node = serve()

    def work(number: int) -> Callable[[Client], None]:
        body = b"x" * 20
        request = b"PUT /cache/k%d HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (number, len(body), body)

        def batches(client: Client) -> None:
            with socket.create_connection(("127.0.0.1", node.http_port), timeout=DEADLINE_S) as connection:
                stream = connection.makefile("rb")
                with suppress(ConnectionResetError, BrokenPipeError, EOFError):
                    while True:
                        connection.sendall(request * BATCH)
                        for _ in range(BATCH):
                            assert _http_answer(stream)["stored"] is True
                            client.answered += 1

        return batches

    for client in stopped_under_load(node, stop, work):
        assert client.answered % BATCH == 0, "part of a batch was done, or done and not answered"


@pytest.mark.parametrize("stop", SIGNALS)
def test_whoever_waits_for_nothing_is_told_that_a_node_stops(
    stop: signal.Signals, serve: Callable[..., Server]
) -> None:
    node = serve()
    with ExitStack() as stack:
        idle, half, monitor, http = [stack.enter_context(node.connect()) for _ in range(3)] + [
            stack.enter_context(Connection(node.http_port))
        ]
        idle.expect(simple("PONG"), "PING")
        monitor.expect(simple("OK"), "MONITOR")
        half.sendall(encode(("SET", "key", "value"))[:-3])
        http.sendall(b"PUT /cache/key HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        eventually(lambda: len(idle.run("CLIENT", "LIST").data.splitlines()) == 4, "all are connected")
        node.signal(stop)
        for connection in (idle, half, monitor, http):
            assert connection.is_closed_by_server()
    assert node.exit_code() == 0, node.output


def test_a_client_that_does_not_read_holds_a_node_up_as_long_as_the_setting_says_now(
    serve: Callable[..., Server],
) -> None:
    node = serve(shutdown_timeout="1h")
    with node.connect() as client, node.connect() as operator:
        _owe(node, client, operator)
        operator.run("CONFIG", "SET", "shutdown-timeout", "1")
        node.signal(signal.SIGTERM)
        assert node.exit_code() == 0, node.output


def test_a_second_signal_does_not_wait_for_anybody(serve: Callable[..., Server]) -> None:
    node = serve(shutdown_timeout="1h")
    with node.connect() as client, node.connect() as operator:
        _owe(node, client, operator)
        node.signal(signal.SIGTERM)
        assert operator.is_closed_by_server()
        assert node.is_running()
        node.signal(signal.SIGINT)
        assert node.exit_code() == 128 + signal.SIGINT


def _owe(node: Server, client: Connection, operator: Connection) -> None:
    """Lets the node have more answers for `client` than the kernel's buffers take, none of which is read."""
    operator.run("SET", "large", b"x" * 1_000_000)
    client.sendall(encode(("GET", "large")) * 20)
    eventually(
        lambda: any(" omem=0 " not in line for line in operator.run("CLIENT", "LIST").data.decode().splitlines()),
        f"answers wait in {node.port}",
    )


def _send_until_closed(connection: Connection, data: bytes) -> None:
    with suppress(ConnectionResetError, BrokenPipeError):
        while True:
            connection.sendall(data)


def _pieces(connection: Connection) -> Iterator[bytes]:
    # A reset that the kernel has noted while the last pieces waited to be read is an end like any other.
    with suppress(ConnectionResetError):
        while data := connection.socket.recv(1 << 16):
            yield data


def _http_answer(stream: BinaryIO) -> dict[str, object]:
    """The next answer's JSON. EOFError: there is none."""
    status = stream.readline()
    if not status:
        raise EOFError
    assert status.startswith(b"HTTP/1.1 201 "), status
    length = 0
    while (line := stream.readline()) != b"\r\n":
        assert line.endswith(b"\r\n"), f"cut off after {line!r}"
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    body = stream.read(length)
    assert len(body) == length, f"cut off after {body!r}"
    answer: dict[str, object] = json.loads(body)
    return answer
