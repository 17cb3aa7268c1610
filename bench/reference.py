"""Where the servers are that ours is measured beside: Debian's redis-server and memcached, and our own.

Looked for in `.cache/reference/` first (`tools/fetch_reference.sh` unpacks them there without installing
anything), then on PATH. What cannot be found is a reason in words, which ends up in the table as a visible
"skipped" row.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNPACKED = ROOT / ".cache" / "reference"


class MissingError(Exception):
    """Something that a measurement needs is not here; the text says what and how to get it."""


@dataclass(frozen=True)
class Program:
    """An executable, and what its environment needs on top of ours."""

    path: str
    environment: dict[str, str] = field(default_factory=dict)
    #: How it is asked for its version.
    version_word: str = "--version"

    def version(self) -> str:
        """What it says of itself, on one line; empty if it will not say."""
        asked = subprocess.run(
            [self.path, self.version_word],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        lines = (asked.stdout or asked.stderr).strip().splitlines()
        return lines[0] if lines else ""


def fetch() -> str | None:
    """Unpack the reference servers unless that was done; the reason if they cannot be had."""
    done = subprocess.run([ROOT / "tools" / "fetch_reference.sh"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    return (done.stderr.strip().splitlines() or ["tools/fetch_reference.sh failed"])[-1]


def reference(name: str) -> Program:
    """The reference server `name` (`redis-server` or `memcached`).

    Raises:
        MissingError: it is neither unpacked nor on PATH.
    """
    unpacked = UNPACKED / "usr" / "bin" / name
    if unpacked.exists():
        return Program(str(unpacked), _library_path())
    installed = shutil.which(name)
    if installed:
        return Program(installed)
    reason = f"no {name}: tools/fetch_reference.sh unpacks it on a Debian"
    raise MissingError(reason)


def ours() -> Program:
    """The `scrubjay` command: of `$SCRUBJAY`, else of the repository's .venv, else of PATH.

    Raises:
        MissingError: nothing is built.
    """
    for candidate in (
        os.environ.get("SCRUBJAY"),
        str(ROOT / ".venv" / "bin" / "scrubjay"),
        shutil.which("scrubjay"),
    ):
        if candidate and Path(candidate).exists():
            return Program(candidate, version_word="version")
    reason = "scrubjay is not built: run `make build`, or name the command in $SCRUBJAY"
    raise MissingError(reason)


def our_python() -> str:
    """A Python interpreter that can import scrubjay.

    Raises:
        MissingError: neither the repository's .venv nor the running interpreter can.
    """
    for candidate in (ROOT / ".venv" / "bin" / "python", Path(sys.executable)):
        if candidate.exists():
            done = subprocess.run([candidate, "-c", "import scrubjay._core"], capture_output=True, check=False)
            if done.returncode == 0:
                return str(candidate)
    reason = "no Python here can import scrubjay: run `make build`"
    raise MissingError(reason)


def _library_path() -> dict[str, str]:
    try:
        text = (UNPACKED / "env").read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
