"""`scrubjay.bench`: settings go in, the generator's findings come out, failures are Scrubjay's own errors."""

import contextlib
import socketserver
import threading
from collections.abc import Iterator

import pytest

from scrubjay import bench, errors


class _Ponger(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            while self.rfile.readline():  # *1
                self.rfile.readline()
                self.rfile.readline()
                self.wfile.write(b"+PONG\r\n")


@pytest.fixture
def port() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Ponger) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_replies_are_counted_and_nothing_else(port):
    found = bench.load(port=port, operation="ping", connections=2, pipeline=3, duration_s=0.1, warmup_s=0)
    assert found.ops == found.stored > 0
    assert (found.hits, found.misses, found.errors, found.first_error) == (0, 0, 0, None)
    assert found.p50_us <= found.max_us
    assert found.server_cpu_us_per_op is None


def test_defaults_list_what_load_takes(port):
    settings = bench.defaults() | {"port": port, "operation": "ping", "duration_s": 0.05, "warmup_s": 0}
    assert bench.load(**settings).ops > 0


@pytest.mark.parametrize("settings", [{"no_such_setting": 1}, {"operation": "fly"}, {"keys": 0}, {"port": 70_000}])
def test_settings_that_cannot_be_used_are_refused(settings):
    with pytest.raises(errors.ConfigurationError):
        bench.load(**settings)


def test_absent_server_is_a_connection_error(port):
    with socketserver.TCPServer(("127.0.0.1", 0), _Ponger) as gone:
        port = gone.server_address[1]
    with pytest.raises(errors.ConnectionLost, match="is the server running there"):
        bench.load(port=port)
