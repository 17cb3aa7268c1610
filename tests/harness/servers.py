"""Starting servers on free loopback ports, and stopping them again.

Each is a child of the test process, is stopped by its process id, and leaves nothing behind. A port that is free when
we look may be taken when the server binds it, so a start that fails over its port is repeated with others.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Self

from harness.resp import Connection
from harness.waiting import eventually

__all__ = ["Server", "free_port", "reference_missing", "scrubjay", "start_ours", "start_reference", "tool"]

ROOT = Path(__file__).resolve().parents[2]
UNPACKED = ROOT / ".cache" / "reference"
STARTS_MAX = 5
"""Starts that may fail because somebody else took the port in between; twice in a row was never seen."""

PORT_TAKEN = re.compile(r"address already in use|in use|EADDRINUSE", re.IGNORECASE)


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    http_port: int = 0
    password: str | None = None
    output_file: Path = field(default_factory=Path)

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    @property
    def url(self) -> str:
        """Of its HTTP door."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def output(self) -> str:
        """What it has printed so far, both streams."""
        return self.output_file.read_text("utf-8", "replace")

    def connect(self, protocol: int = 2) -> Connection:
        """A new connection, authenticated if the server has a password."""
        return Connection(self.port, protocol=protocol, password=self.password)

    def is_running(self) -> bool:
        """Whether the process lives."""
        return self.process.poll() is None

    def rss_bytes(self) -> int:
        """Resident memory now."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        match = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert match, f"no VmRSS of process {self.pid}: it has ended"
        return int(match[1]) * 1024

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def exit_code(self, deadline_s: float = 20.0) -> int:
        """Waits for it to end."""
        return self.process.wait(deadline_s)

    def stop(self) -> None:
        """Ask it to end, and insist if it does not."""
        if self.is_running():
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.output_file.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        """Nothing more to do: it runs."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()


def free_port() -> int:
    """A loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def scrubjay() -> list[str]:
    """The command under test: the one beside the interpreter that runs the tests."""
    beside = Path(sys.executable).with_name("scrubjay")
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "scrubjay"]


def environment() -> dict[str, str]:
    """Ours without settings of the node, which would otherwise leak into the test."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SCRUBJAY_")}


def flags(settings: dict[str, object]) -> list[str]:
    """`{"max_memory": "1mb", "insecure": True}` as flags."""
    words = []
    for name, value in settings.items():
        flag = "--" + name.replace("_", "-")
        words += [flag] if value is True else [flag, str(value)]
    return words


def start_ours(**settings: object) -> Server:
    """A node of ours with the RESP and the HTTP door open on free ports, and whatever else `settings` say.

    Two threads and 1 GB unless told otherwise: the same on every machine.
    """
    doors = {"memcached_port": 0, "grpc_port": 0, "peer_port": 0}
    for attempt in range(STARTS_MAX):
        ports = {"port": free_port(), "http_port": free_port()}
        chosen = ports | doors | {"threads": 2, "max_memory": "1gb"} | settings
        server = _spawn([*scrubjay(), "serve", *flags(chosen)], environment(), chosen)
        if _is_up(server, attempt):
            return server
    raise AssertionError("no free port")


def start_reference(**settings: object) -> Server:
    """Debian's redis-server, without persistence, on a free port. Only where `reference_missing` is None."""
    quiet = {"save": "", "appendonly": "no", "bind": "127.0.0.1", "dir": tempfile.gettempdir()}
    for attempt in range(STARTS_MAX):
        chosen = {"port": free_port()} | quiet | settings
        command = tool("redis-server")
        assert command is not None
        server = _spawn([command, *flags(chosen)], reference_environment(), chosen)
        if _is_up(server, attempt):
            return server
    raise AssertionError("no free port")


def tool(name: str) -> str | None:
    """The path of redis-server, redis-cli or redis-benchmark: unpacked, else of the machine, else None."""
    unpacked = UNPACKED / "usr" / "bin" / name
    return str(unpacked) if unpacked.exists() else shutil.which(name)


@cache
def reference_missing() -> str | None:
    """Why the reference server cannot be run here; None if it can. Tries to fetch it, which happens once a machine."""
    if tool("redis-server") is None:
        fetched = subprocess.run(
            [ROOT / "tools" / "fetch_reference.sh"], capture_output=True, text=True, timeout=300, check=False
        )
        if tool("redis-server") is None:
            reason = (fetched.stderr.strip().splitlines() or ["tools/fetch_reference.sh failed"])[-1]
            return f"no redis-server to compare with: {reason}"
    return None


def reference_environment() -> dict[str, str]:
    """What unpacked binaries need to find their libraries."""
    try:
        lines = (UNPACKED / "env").read_text("utf-8").splitlines()
    except FileNotFoundError:
        lines = []
    return environment() | dict(line.split("=", 1) for line in lines if "=" in line)


def _spawn(command: list[str], variables: dict[str, str], settings: dict[str, object]) -> Server:
    # A file and not a pipe: nobody would empty a pipe while the test does other things.
    with tempfile.NamedTemporaryFile(prefix="scrubjay-test-", suffix=".log", delete=False) as output:
        process = subprocess.Popen(
            command, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=tempfile.gettempdir()
        )
    password = settings.get("requirepass")
    return Server(
        process,
        int(str(settings["port"])),
        int(str(settings.get("http_port", 0))),
        None if password is None else str(password),
        Path(output.name),
    )


def _is_up(server: Server, attempt: int) -> bool:
    """Waits for the first answer. False if another program was faster on the port."""

    def answers() -> bool:
        if not server.is_running():
            return True
        try:
            with Connection(server.port) as connection:
                return connection.ask("PING").kind in "+-"
        except OSError:
            return False

    try:
        eventually(answers, f"an answer on port {server.port}")
        if server.is_running():
            return True
        said = server.output
        taken = PORT_TAKEN.search(said) is not None and attempt + 1 < STARTS_MAX
        assert taken, f"the server ended with {server.process.returncode}:\n{said}"
    except BaseException:
        server.stop()
        raise
    server.stop()
    return False
