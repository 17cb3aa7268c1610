"""Putting load on a server: the `loadgen` binary of `crates/loadgen`, on a core of its own.

A process of its own and not the binding in the package, so that its CPU time, its core and its memory are
nobody else's.
"""

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

from reference import ROOT, MissingError
from servers import Server, cores, on_core

BINARY = ROOT / "target" / "release" / "loadgen"
#: With the workspace's features, as `make test` builds it: the dependencies are compiled once for both.
BUILD = [
    *("cargo", "build", "--release", "--locked", "--quiet"),
    *("--workspace", "--exclude", "scrubjay-py", "--bin", "loadgen"),
]


#: A value of the generator's command line.
Setting = str | int | float


@dataclass(frozen=True)
class Load:
    """What a run found; the fields are those of the generator's report."""

    ops: int
    ops_per_s: float
    hits: int
    misses: int
    errors: int
    first_error: str | None
    p50_us: float
    p99_us: float
    p999_us: float
    max_us: float
    generator_cpu: float
    server_cpu: float
    server_cpu_us_per_op: float
    send_lag_p99_us: float | None


def build() -> None:
    """Bring the generator up to date with its source.

    Raises:
        MissingError: it cannot be built and was not built before.
    """
    if shutil.which("cargo"):
        done = subprocess.run(
            BUILD,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return
        reason = f"the load generator does not build: {done.stderr.strip()[-500:]}"
        raise MissingError(reason)
    if not BINARY.exists():
        reason = "no load generator: `cargo build --release -p scrubjay-loadgen` needs a Rust toolchain"
        raise MissingError(reason)


def attempt(server: Server, operation: str, **settings: Setting) -> Load:
    """Run `operation` (get, set, mix, load, ping) against `server`; `settings` as in `loadgen --help`.

    On the generator's core, unless the server has no core of its own either.

    Raises:
        MissingError: the server failed during the run; the text quotes it. Error replies are counted instead.
    """
    given: dict[str, Setting] = {"protocol": server.protocol, "port": server.port, **settings}
    given |= {"operation": operation, "server_pid": server.pid}
    words = [word for key, value in given.items() for word in (f"--{key.replace('_', '-')}", str(value))]
    with on_core(cores()[1] if server.pinned else None):
        done = subprocess.run([BINARY, *words], capture_output=True, text=True, check=False)
    if not done.stdout:
        reason = f"{server.name}, {operation}: {done.stderr.strip()}"
        raise MissingError(reason)
    report: dict[str, Any] = json.loads(done.stdout)
    return Load(**{name: report[name] for name in Load.__dataclass_fields__})


def run(server: Server, operation: str, **settings: Setting) -> Load:
    """As `attempt`, and an error reply is a failure: refusals are fast, and would count as speed.

    Raises:
        MissingError: as `attempt`, and for error replies; the text quotes the first.
    """
    load = attempt(server, operation, **settings)
    if load.errors:
        reason = f"{server.name}, {operation}: {load.errors} error replies, the first: {load.first_error}"
        raise MissingError(reason)
    return load


def preload(server: Server, keys: int, value_bytes: int, **settings: Setting) -> Load:
    """Write every key once.

    Raises:
        MissingError: as `run`.
    """
    return run(server, "load", keys=keys, value_bytes=value_bytes, pipeline=64, **settings)
