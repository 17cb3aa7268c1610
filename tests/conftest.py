"""Servers for the tests of real servers, and the options of the long runs.

`tests/python` needs none of this: what is here costs nothing until a test asks for it.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from harness.servers import Server, reference_missing, start_ours, start_reference, tool


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("scrubjay")
    group.addoption("--sequences", type=int, help="random command sequences per family and protocol")
    group.addoption("--seed", type=int, help="seed of the first random sequence")
    group.addoption(
        "--reference-against-itself",
        action="store_true",
        help="start the reference server in place of ours: proves the tests, not the server",
    )


@pytest.fixture(scope="session")
def ours(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A node with default settings. Tests that share it leave its settings as they were."""
    if request.config.getoption("--reference-against-itself"):
        with start_reference() as server:
            yield server
        return
    with start_ours() as server:
        yield server
        assert server.is_running(), f"the node died:\n{server.output}"


@pytest.fixture(scope="session")
def reference() -> Iterator[Server]:
    """Debian's redis-server; the test is skipped, saying why, where there is none."""
    missing = reference_missing()
    if missing:
        pytest.skip(missing)
    with start_reference() as server:
        yield server


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts nodes with settings of the test's own: `serve(max_clients=5)`. They are stopped after it."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(start_ours(**settings))


@pytest.fixture(scope="session")
def redis_cli() -> str:
    """The path of redis-cli."""
    return _tool("redis-cli")


@pytest.fixture(scope="session")
def redis_benchmark() -> str:
    """The path of redis-benchmark."""
    return _tool("redis-benchmark")


def _tool(name: str) -> str:
    missing = reference_missing()
    path = tool(name)
    if path is None:
        pytest.skip(f"no {name}: {missing}")
    return path
