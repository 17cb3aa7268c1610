"""Many connections, and connections that want too much: the others must not feel them."""

import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from harness.resp import Closed, Connection, encode, integer, simple, text
from harness.servers import Server
from harness.waiting import eventually

IDLE = 4000
IDLE_BYTES_MAX = 2048
"""Resident bytes of an idle connection, from the targets."""

UNDISTURBED_S = 2.0
"""Longest wait of a bystander. Its replies take microseconds; only a node that stands still needs seconds."""


@contextmanager
def bystander(node: Server) -> Iterator[None]:
    """A client that reads and writes all the while; it must always be served, and at once."""
    over = threading.Event()
    slowest, failure = 0.0, list[BaseException]()
    connection = node.connect()

    def work() -> None:
        nonlocal slowest
        try:
            with connection:
                while not over.is_set():
                    began = time.monotonic()
                    connection.expect(simple("OK"), "SET", "bystander", "here")
                    connection.expect(text("here"), "GET", "bystander")
                    slowest = max(slowest, time.monotonic() - began)
                    over.wait(0.005)
        except BaseException as error:  # noqa: BLE001 - reported by the test's own thread
            failure.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if failure:
        raise failure[0]
    assert slowest < UNDISTURBED_S, f"a bystander waited {slowest:.2f} s"


def test_an_idle_connection_takes_little_memory(serve: Callable[..., Server]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < IDLE + 200:
        pytest.skip(f"{hard} open files at most")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, IDLE + 200), hard))
    node = serve(threads=1)
    with ExitStack() as stack:

        def crowd(count: int) -> None:
            for _ in range(count):
                connection = stack.enter_context(node.connect())
                connection.expect(simple("PONG"), "PING")

        crowd(100)  # what is allocated once
        before = node.rss_bytes()
        crowd(IDLE)
        each = (node.rss_bytes() - before) / IDLE
        assert each < IDLE_BYTES_MAX, f"{each:.0f} bytes a connection"


def test_running_out_of_file_descriptors_is_survived(serve: Callable[..., Server]) -> None:
    node = serve(threads=2)
    with bystander(node), ExitStack() as stack:
        # Some are open already; beyond this many, accepting fails, and the waiting connections stay in the queue.
        soft_and_hard = resource.prlimit(node.pid, resource.RLIMIT_NOFILE, (64, 64))
        late = [stack.enter_context(socket.create_connection(("127.0.0.1", node.port))) for _ in range(150)]
        spent, began = _cpu_seconds(node), time.monotonic()
        eventually(lambda: time.monotonic() - began > 1, "a second in which the queue is full")
        busy = (_cpu_seconds(node) - spent) / (time.monotonic() - began)
        assert busy < 0.5, f"the node spins: {busy:.2f} of a core, with nearly nothing to do"
        for client in late:
            client.close()
        eventually(lambda: _serves(node), "new clients are served again")
    assert soft_and_hard[0] > 64


def test_announced_sizes_cost_no_memory(serve: Callable[..., Server]) -> None:
    node = serve(max_memory="256mb")
    with bystander(node), ExitStack() as stack:
        before = node.rss_bytes()
        for header in (
            b"*2\r\n$3\r\nGET\r\n$536870912\r\nx",
            b"*1048576\r\n",
            b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$400000000\r\n",
        ):
            for _ in range(100):
                client = stack.enter_context(node.connect())
                client.sendall(header)
                client.sendall(b"x" * 100 if not header.endswith(b"576\r\n") else b"$1\r\na\r\n" * 10)
        eventually(lambda: _clients(node) > 300, "all of them are connected")
        grown = node.rss_bytes() - before
        assert grown < 32 << 20, f"{grown >> 20} MiB for 300 announcements"


def test_large_half_requests_of_many_clients_stay_within_their_share(serve: Callable[..., Server]) -> None:
    # A share of 10 % of 256 MB: eight clients that have each sent 16 of 20 MB, and do not go on, are too many.
    node = serve(max_memory="256mb", first_command_timeout="0")
    with bystander(node), ExitStack() as stack:
        clients = [stack.enter_context(node.connect()) for _ in range(8)]
        for client in clients:
            _send_what_goes(client, b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$20000000\r\n" + b"x" * (16 << 20))
        with node.connect() as asker:
            eventually(
                lambda: int(asker.info("stats").get("evicted_clients", "0")) > 0, "the largest clients are disconnected"
            )
        assert node.rss_bytes() < 256 << 20


def test_a_value_beyond_the_clients_share_is_refused_with_its_reason(serve: Callable[..., Server]) -> None:
    node = serve(max_memory="256mb")
    with bystander(node), node.connect() as client:
        answer = client.ask("SET", "a", b"x" * 100_000_000)
        assert "clients-memory-percent" in str(answer)
        client.expect(simple("PONG"), "PING")
        assert node.rss_bytes() < 100 << 20


def test_readers_that_do_not_read_are_dropped_and_nobody_else(serve: Callable[..., Server]) -> None:
    node = serve(max_memory="1gb", output_buffer_bytes_max="1mb")
    with node.connect() as connection:
        connection.run("SET", "large", b"x" * 100_000)
        before = node.rss_bytes()
        with bystander(node), ExitStack() as stack:
            clients = [stack.enter_context(node.connect()) for _ in range(10)]
            for client in clients:
                # Far more answers than the kernel's buffers and the limit hold together; none is read.
                _send_what_goes(client, encode(("GET", "large")) * 1000)
            grown = node.rss_bytes() - before
            assert grown < 10 * (8 << 20), f"{grown >> 20} MiB for ten clients"
            eventually(lambda: _clients(node) <= 4, "they are dropped", deadline_s=60)
            for client in clients:
                assert client.is_closed_by_server()
        connection.expect(text(b"x" * 100_000), "GET", "large")


def test_clients_beyond_the_limit_hear_why(serve: Callable[..., Server]) -> None:
    node = serve(max_clients=10)
    with ExitStack() as stack:
        first = stack.enter_context(node.connect())
        # Asked over a connection that stays: one that asks and leaves may still count when the next ones come.
        eventually(
            lambda: len(first.run("CLIENT", "LIST").data.splitlines()) == 1, "the starter's own connection is gone"
        )
        served = [first, *(stack.enter_context(node.connect()) for _ in range(9))]
        for client in served:
            client.expect(simple("PONG"), "PING")
        with Connection(node.port) as refused:
            assert str(refused.read()) == "-ERR max number of clients reached"
            assert refused.is_closed_by_server()
        served.pop().close()
        eventually(lambda: _serves(node), "there is room again")
        served[0].run("CONFIG", "SET", "maxclients", 11)
        for client in served:
            client.expect(simple("PONG"), "PING")


def test_a_client_that_leaves_in_the_middle_leaves_nothing(serve: Callable[..., Server]) -> None:
    node = serve()
    with node.connect() as witness:
        witness.run("SET", "a", "before")
        whole = len(encode(("SET", "a", "after")))
        for cut in range(1, whole):
            with node.connect() as client:
                client.sendall(encode(("SET", "a", "after"))[:cut])
        eventually(lambda: _clients(node) <= 2, "they are gone")
        witness.expect(text("before"), "GET", "a")


def _serves(node: Server) -> bool:
    try:
        with node.connect() as connection:
            return connection.ask("PING") == simple("PONG")
    except (OSError, Closed):
        return False


def _clients(node: Server) -> int:
    """How many clients there are, the one that asks among them."""
    with node.connect() as connection:
        return len(connection.run("CLIENT", "LIST").data.splitlines())


def _send_what_goes(client: Connection, data: bytes) -> None:
    """Sends until all is sent, or nothing has been taken for a while, or the node has closed the connection."""
    client.socket.settimeout(0.3)
    try:
        client.socket.sendall(data)
    except OSError:
        pass
    finally:
        client.socket.settimeout(20)


def _cpu_seconds(node: Server) -> float:
    fields = Path(f"/proc/{node.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_nothing_is_done_that_a_client_asks_for_after_it_was_killed(serve: Callable[..., Server]) -> None:
    node = serve(threads=2)
    with node.connect() as admin:
        admin.run("SET", "n", 0)
        for _ in range(300):
            # Two threads serve the two, so the answer to the kill is often here before the connection ends.
            with node.connect() as client:
                client_id = client.ask("CLIENT", "ID").number
                assert admin.ask("CLIENT", "KILL", "ID", client_id) == integer(1)
                with suppress(OSError):
                    client.sendall(encode(["INCR", "n"]))
                    while client.read():
                        pass
        admin.expect(text("0"), "GET", "n")
        eventually(lambda: admin.info("clients")["connected_clients"] == "1", "the killed ones are gone")
