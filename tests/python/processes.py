"""`scrubjay` in processes of its own, for tests that need the real thing."""

import contextlib
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness import servers
from harness.servers import free_port

__all__ = ["COMMAND", "DEADLINE_S", "Process", "environment", "free_port", "run", "taken_port"]

COMMAND = servers.scrubjay()
DEADLINE_S = 20.0


@dataclass
class Process:
    """A `scrubjay` process, what it printed so far, and a way to wait for more without sleeping."""

    popen: subprocess.Popen[str]
    printed: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    is_over: bool = False

    def read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            with self.changed:
                self.printed.append(line)
                self.changed.notify_all()
        with self.changed:
            self.is_over = True
            self.changed.notify_all()

    def wait_for(self, text: str) -> None:
        """Waits until it printed `text`."""
        with self.changed:
            seen = self.changed.wait_for(lambda: text in self.output or self.is_over, DEADLINE_S)
        assert seen, f"no {text!r} within {DEADLINE_S} s; it printed:\n{self.output}"
        assert text in self.output, f"it ended without {text!r}; it printed:\n{self.output}"

    @property
    def output(self) -> str:
        return "".join(self.printed)

    def stop(self, with_signal: int = signal.SIGTERM) -> int:
        """Sends the signal and returns the exit code."""
        self.popen.send_signal(with_signal)
        return self.popen.wait(DEADLINE_S)


def environment(**more: str) -> dict[str, str]:
    """This process' environment without what configures a node, and with a terminal's width that is always the same."""
    return servers.environment() | {"COLUMNS": "200", "NO_COLOR": "1"} | more


def run(*arguments: str, stdin: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs `scrubjay` to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        env=environment(**variables),
    )


@contextlib.contextmanager
def taken_port() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]
