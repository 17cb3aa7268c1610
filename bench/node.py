"""What a node costs that holds nothing: resident memory, time to the first reply, memory per connection."""

import contextlib
import resource
import socket
from collections.abc import Iterable

import targets
from options import Options
from reference import MissingError
from report import Row
from servers import ALL, MEMCACHED, Server, start

#: Enough that a step of the allocator (2 MiB) is a third of a KiB each.
CONNECTIONS = 6000


def measure(options: Options) -> Iterable[Row]:
    """RSS and time to ready over several starts; bytes per connection that spoke once and is silent since."""
    rows = {
        metric: Row("node", case, metric, limits=targets.of(case, metric))
        for case, metric in (
            ("empty node", "RSS, MiB"),
            ("empty node", "seconds to ready"),
            ("idle connection", "bytes"),
        )
    }
    absent = []
    for name in ALL:
        try:
            for _ in range(options.starts):
                with start(name) as server:
                    figures = {
                        "seconds to ready": server.ready_seconds,
                        "RSS, MiB": server.settled_rss_bytes(0.5) / (1 << 20),
                        "bytes": _connection_bytes(server),
                    }
                for metric, figure in figures.items():
                    rows[metric].samples.setdefault(name, []).append(figure)
        except MissingError as error:
            absent.append(Row("node", name, "", skipped=str(error)))
    return [*rows.values(), *absent]


def _connection_bytes(server: Server) -> float:
    """What one more connection keeps in the server's memory, not counting the kernel's for its socket."""
    question = b"version\r\n" if server.name == MEMCACHED else b"PING\r\n"
    with contextlib.ExitStack() as stack:

        def open_some(count: int) -> None:
            for _ in range(count):
                connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=5.0))
                connection.sendall(question)
                connection.recv(100)

        # The first ones pay for tables and lazily made buffers.
        open_some(100)
        before = server.settled_rss_bytes(0.5)
        # What else this process and the server have open stays below 300.
        count = min(CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 300)
        open_some(count)
        return (server.settled_rss_bytes(0.5) - before) / count
