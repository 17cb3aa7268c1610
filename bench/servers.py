"""Starting a server on a free loopback port, on given cores, and stopping it again.

Each server is the child of this process and is stopped by its pid, also when the measurement fails. Nothing
here is a system service. All of them run with their defaults but for what the comparison needs: no
persistence, one thread unless said otherwise, and a memory limit above the data.
"""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from reference import MissingError, Program, ours, reference

OURS = "scrubjay"
REDIS = "redis"
MEMCACHED = "memcached"
#: In the order of the interleaved rounds.
ALL = (OURS, REDIS, MEMCACHED)

#: memcached is asked in its meta commands: a pipelined text `get` costs it a system call, five times the CPU.
PROTOCOLS = {MEMCACHED: "meta"}

#: A limit that no measurement here reaches, unless it sets its own: 16 GiB.
ROOMY_BYTES = 16 << 30

START_SECONDS = 20.0
STOP_SECONDS = 20.0


@dataclass
class Server:
    """A running server."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    http_port: int
    #: From the start of the process to the first reply.
    ready_seconds: float
    #: What `loadgen` calls the protocol that it is measured in.
    protocol: str
    #: Whether it has a core of its own.
    pinned: bool

    @property
    def pid(self) -> int:
        """The process, which is also the one whose memory and CPU time count."""
        return self.process.pid

    def rss_bytes(self) -> int:
        """Resident memory now."""
        for line in Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        reason = f"{self.name} is gone"
        raise MissingError(reason)

    def settled_rss_bytes(self, quiet_seconds: float = 1.0, limit_seconds: float = 15.0) -> int:
        """Resident memory once it stands still: after a load, servers resize tables and return pages."""
        deadline = time.monotonic() + limit_seconds
        before = self.rss_bytes()
        while time.monotonic() < deadline:
            time.sleep(quiet_seconds)
            now = self.rss_bytes()
            if abs(now - before) < before * 0.0005:
                return now
            before = now
        return before

    def stop(self) -> None:
        """Ask it to end, and insist if it does not."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self) -> Self:
        """Nothing more to do: it runs."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()


def cores() -> tuple[int, int]:
    """The core for the server and the one for the generator (the same where there is only one)."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[min(1, len(allowed) - 1)]


@contextlib.contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """Children that are started within inherit this core; None leaves them all that we have."""
    allowed = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def start(
    name: str,
    *,
    threads: int = 1,
    pinned: bool = True,
    memory_bytes: int = ROOMY_BYTES,
    http: bool = False,
) -> Server:
    """Start the server called `name` and wait until it answers.

    Raises:
        MissingError: it is not installed, or did not start; the text ends with its own last words.
    """
    port = free_port()
    http_port = free_port() if http else 0
    program, arguments = _command(name, port, http_port, threads, memory_bytes)
    log = tempfile.TemporaryFile()  # noqa: SIM115 (read after the process has ended)
    began = time.monotonic()
    with on_core(cores()[0] if pinned else None):
        process = subprocess.Popen(
            [program.path, *arguments],
            env=os.environ | program.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=tempfile.gettempdir(),
        )
    server = Server(name, process, port, http_port, 0.0, PROTOCOLS.get(name, "resp"), pinned)
    with log, contextlib.ExitStack() as on_failure:
        on_failure.callback(server.stop)
        if not _answers(server, began + START_SECONDS):
            server.stop()
            log.seek(0)
            words = log.read()[-2000:].decode(errors="replace").strip().splitlines()
            reason = f"{name} did not start: {words[-1].strip() if words else 'it said nothing'}"
            raise MissingError(reason)
        on_failure.pop_all()
    server.ready_seconds = time.monotonic() - began
    return server


@contextlib.contextmanager
def started(names: tuple[str, ...], **options: object) -> Iterator[tuple[list[Server], dict[str, str]]]:
    """Start all of `names` that can be started; the others come back as name -> reason."""
    with contextlib.ExitStack() as stack:
        running: list[Server] = []
        missing: dict[str, str] = {}
        for name in names:
            try:
                running.append(stack.enter_context(start(name, **options)))  # type: ignore[arg-type]
            except MissingError as error:
                missing[name] = str(error)
        yield running, missing


def free_port() -> int:
    """A loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _command(name: str, port: int, http_port: int, threads: int, memory_bytes: int) -> tuple[Program, list[str]]:
    if name == OURS:
        settings: dict[str, str | int] = {"port": port, "threads": threads, "max-memory": memory_bytes}
        settings |= {"http-port": http_port, "memcached-port": 0, "grpc-port": 0, "peer-port": 0}
        return ours(), ["serve", *_flags(settings)]
    if name == REDIS:
        settings = {"port": port, "bind": "127.0.0.1", "save": "", "appendonly": "no"}
        # The policy matters only under churn, where the default, noeviction, would refuse every write.
        settings |= {"maxmemory": memory_bytes, "maxmemory-policy": "allkeys-lru"}
        return reference("redis-server"), _flags(settings)
    arguments = ["-l", "127.0.0.1", "-p", str(port), "-U", "0", "-t", str(threads), "-c", "8192"]
    arguments += ["-m", str(memory_bytes >> 20)]
    # memcached refuses to run as root unless it is told which user to be.
    return reference("memcached"), [*arguments, *(["-u", "root"] if os.geteuid() == 0 else [])]


def _flags(settings: dict[str, str | int]) -> list[str]:
    return [word for name, value in settings.items() for word in (f"--{name}", str(value))]


def _answers(server: Server, deadline: float) -> bool:
    question, answer = (b"version\r\n", b"VERSION") if server.name == MEMCACHED else (b"PING\r\n", b"+PONG")
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            return False
        try:
            with socket.create_connection(("127.0.0.1", server.port), timeout=1.0) as connection:
                connection.sendall(question)
                if connection.recv(100).startswith(answer):
                    return True
        except OSError:
            pass
        # 2 ms: fine enough for the time to ready, and no load on the server's core.
        time.sleep(0.002)
    return False


def cpu_seconds(pid: int) -> float:
    """The time that all threads of a process have spent on a core, by the scheduler's own account."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text(encoding="ascii").split()[0]) for task in tasks) / 1e9


def stop_on_termination() -> None:
    """Turn SIGTERM into an exception, so that `with` blocks stop their servers."""

    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)
