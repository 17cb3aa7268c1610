"""What the tests of the Python side share: caches on a clock that stands still, and nodes in processes of their own."""

import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest
from processes import COMMAND, Process, environment, free_port

from scrubjay import Cache
from scrubjay.testing import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def cache(clock: ManualClock) -> Iterator[Cache]:
    with Cache(clock=clock) as cache:
        yield cache


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    """Starts `scrubjay` processes, merged output, and stops what is left of them."""
    started: list[Process] = []

    def starter(*arguments: str, **variables: str) -> Process:
        popen = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(**variables),
        )
        process = Process(popen)
        threading.Thread(target=process.read, daemon=True).start()
        started.append(process)
        return process

    yield starter
    for process in started:
        if process.popen.poll() is None:
            process.popen.kill()
        process.popen.wait()
        assert process.popen.stdout is not None
        process.popen.stdout.close()


@pytest.fixture
def node(start: Callable[..., Process]) -> Callable[..., tuple[Process, int]]:
    """Starts a node with a door for Redis clients alone, on a free port. Returns it, ready, with the port."""

    def starter(*arguments: str, **variables: str) -> tuple[Process, int]:
        port = free_port()
        process = start("serve", "--port", str(port), "--http-port", "0", *arguments, **variables)
        process.wait_for("is ready")
        return process, port

    return starter
