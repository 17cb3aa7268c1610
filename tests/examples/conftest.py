"""What the tests of the examples share: a node, a client in either protocol, and the examples as modules."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import redis

from harness.servers import Server

FOLDER = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def example(request: pytest.FixtureRequest) -> ModuleType:
    """The example that the test's file is named after: `test_leaderboard.py` tests `leaderboard.py`."""
    name = request.path.stem.removeprefix("test_")
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(ours: Server, request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """Of an empty node."""
    with redis.Redis(port=ours.port, protocol=request.param, decode_responses=True) as client:
        client.flushall()
        yield client


@pytest.fixture
def run_example(ours: Server, request: pytest.FixtureRequest) -> Callable[..., list[str]]:
    """Runs the example as its docstring says, with further arguments; the lines that it prints."""
    path = FOLDER / f"{request.path.stem.removeprefix('test_')}.py"

    def run(*arguments: str) -> list[str]:
        command = [sys.executable, str(path), "--url", f"redis://127.0.0.1:{ours.port}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run
