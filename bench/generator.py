"""Putting load on a server: the `loadgen` binary of `crates/loadgen`, on a core of its own.

A process of its own and not the binding in the package, so that its CPU time, its core and its memory are nobody
else's.
"""

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

from reference import ROOT, MissingError
from servers import Server, cores, on_core

BINARY = ROOT / "target" / "release" / "loadgen"


@dataclass(frozen=True)
class Load:
    """What a run found; the fields are those of the generator's report."""

    ops: int
    ops_per_s: float
    hits: int
    misses: int
    errors: int
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
            ["cargo", "build", "--release", "--quiet", "--package", "scrubjay-loadgen"],
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


def run(server: Server, operation: str, *, pinned: bool = True, **settings: Any) -> Load:
    """One run of `operation` (get, set, mix, load, ping) against `server`; `settings` as `loadgen --help` lists them.

    Raises:
        MissingError: the server failed during the run, or answered with errors; the text quotes it.
    """
    settings = {"protocol": server.protocol, "port": server.port} | settings
    settings |= {"operation": operation, "server_pid": server.pid}
    words = [word for key, value in settings.items() for word in (f"--{key.replace('_', '-')}", str(value))]
    with on_core(cores()[1] if pinned else None):
        process = subprocess.Popen([BINARY, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    output, complaint = process.communicate()
    if not output:
        reason = f"{server.name}, {operation}: {complaint.strip()}"
        raise MissingError(reason)
    report: dict[str, Any] = json.loads(output)
    if report["errors"]:
        reason = f"{server.name}, {operation}: {report['errors']} error replies, the first: {report['first_error']}"
        raise MissingError(reason)
    return Load(**{name: report[name] for name in Load.__dataclass_fields__})


def preload(server: Server, keys: int, value_bytes: int, **settings: Any) -> Load:
    """Write every key once.

    Raises:
        MissingError: as `run`.
    """
    return run(server, "load", keys=keys, value_bytes=value_bytes, pipeline=64, **settings)
