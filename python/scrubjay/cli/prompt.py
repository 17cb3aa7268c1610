"""The prompt of `scrubjay cli`: history, completion and help, the last two from the table of commands."""

import contextlib
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from scrubjay import _core
from scrubjay.cli import render
from scrubjay.cli.resp import Connection
from scrubjay.errors import AuthenticationRequired, ConnectionLost, NotFound

readline: Any = None
with contextlib.suppress(ImportError):  # a Python built without it has a prompt without history
    readline = import_module("readline")

__all__ = ["help_for", "run"]

HISTORY: Final = Path("~/.scrubjay_history")
HISTORY_LINES_MAX: Final = 1000
SECRETIVE: Final = ("auth", "hello", "config set requirepass")


def run(connect: Callable[[], Connection], namespace: str, once: Callable[[Connection, list[bytes]], int]) -> None:
    """Reads commands and shows their answers until end of file, `quit` or `exit`. Connects anew when it must."""
    connection = connect()
    with _history():
        while True:
            place = connection.place + ("" if namespace == "0" else f"[{namespace}]")
            try:
                line = input(f"{place}> ")
            except EOFError:
                print()
                return
            except KeyboardInterrupt:
                print()
                continue
            try:
                words = render.split(line)
            except ValueError as wrong:
                print(f"(error) {wrong}")
                continue
            if not words:
                continue
            _forget_secrets(line)
            match [word.lower() for word in words]:
                case [b"quit" | b"exit"]:
                    return
                case [b"clear"]:
                    print("\x1b[H\x1b[2J", end="")
                case [b"help" | b"?", *topic]:
                    print(help_for(b" ".join(topic).decode(errors="replace")))
                case [name, *arguments]:
                    try:
                        refused = once(connection, words)
                    except ConnectionLost as lost:
                        print(f"{lost}; connecting again")
                        with contextlib.suppress(ConnectionLost, AuthenticationRequired, NotFound):
                            connection = connect()
                    except KeyboardInterrupt:
                        connection.close()  # its answer would be taken for the next command's
                        connection = connect()
                    else:
                        if name == b"select" and not refused:
                            namespace = arguments[0].decode(errors="replace")


def help_for(topic: str) -> str:
    """What `help TOPIC` prints: a command, a group (`@string`), or how to go on."""
    commands = _core.commands()
    groups = sorted({row["group"] for row in commands})
    if not topic:
        return (
            "help COMMAND      what a command does\n"
            f"help @GROUP       the commands of a group: {', '.join('@' + group for group in groups)}\n"
            "quit, Ctrl-D      leave"
        )
    if topic.startswith("@"):
        rows = [row for row in commands if row["group"] == topic[1:].lower()]
        lines = [f"{row['name']} {row['usage']}".rstrip() + f"\n    {row['summary']}" for row in rows]
        return "\n".join(lines) or f"there is no group {topic}: {', '.join('@' + group for group in groups)}"
    name, _, subcommand = topic.partition(" ")
    rows = [row for row in commands if row["name"].lower() == name.lower()]
    if rows and subcommand:
        rows = [row for row in rows[0]["subcommands"] if row["name"].lower() == subcommand.lower()]
    if not rows:
        return f"there is no command {topic}; `help` says how to find one"
    return _describe(rows[0], name.upper() if subcommand else "")


def _describe(row: dict[str, Any], container: str) -> str:
    lines = [
        f"{container} {row['name']} {row['usage']}".strip(),
        f"    {row['summary']}",
        f"    complexity: {row['complexity']}; since: {row['since']}; group: {row['group']}",
    ]
    lines += [f"    {row['name']} {sub['name']} {sub['usage']}".rstrip() for sub in row["subcommands"]]
    return "\n".join(lines)


@contextlib.contextmanager
def _history() -> Any:  # noqa: ANN401 - a context manager
    if readline is None:
        yield
        return
    path = Path(os.environ.get("SCRUBJAY_HISTORY", HISTORY)).expanduser()
    with contextlib.suppress(OSError):
        readline.read_history_file(path)
    readline.set_history_length(HISTORY_LINES_MAX)
    names = sorted(row["name"] for row in _core.commands())
    readline.set_completer(lambda text, state: _complete(names, text, state))
    readline.set_completer_delims(" ")
    readline.parse_and_bind("tab: complete")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            readline.write_history_file(path)
            path.chmod(0o600)


def _complete(names: list[str], text: str, state: int) -> str | None:
    before = readline.get_line_buffer()[: readline.get_begidx()].split()
    if before and before[0].lower() != "help":
        return None
    fitting = [name for name in names if name.startswith(text.upper())]
    fitting = [name.lower() if text.islower() else name for name in fitting]
    return f"{fitting[state]} " if state < len(fitting) else None


def _forget_secrets(line: str) -> None:
    if readline is not None and " ".join(line.lower().split()).startswith(SECRETIVE):
        last = readline.get_current_history_length()
        if last:
            readline.remove_history_item(last - 1)
    sys.stdout.flush()
