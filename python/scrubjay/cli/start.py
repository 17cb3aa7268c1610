"""From the flags of `serve` to a node's process, quickly.

Reading flags the comfortable way costs more time than starting the node, and some 25 MB that the node would carry for
nothing. So flags that are plainly flags are read here, and typer is left to help and mistakes. Then this process
replaces itself (same process id) with an interpreter that imports the native module and nothing else; see `node.py`
beside this file. The flags travel through a pipe and not as arguments, so that `ps` does not go on showing a password.
"""

import os
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from scrubjay import _core
from scrubjay.cli import node
from scrubjay.errors import ConfigurationError

__all__ = ["become_node", "read"]

PIPE_BYTES_MAX: Final = 60_000  # what every pipe holds without a reader (Linux: 65536)


def read(arguments: Sequence[str]) -> dict[str, str] | None:
    """The flags, or `None` if there is anything but settings and their values: then typer has something to say."""
    kinds = {row["name"]: row["kind"] for row in _core.settings()}
    flags: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        name, equals, text = argument.removeprefix("--").partition("=")
        positive = name.removeprefix("no-")
        if not argument.startswith("--"):
            return None
        if kinds.get(positive) == "bool" and not equals:
            flags[positive] = str(name == positive).lower()
        elif name in kinds and kinds[name] != "bool":
            following = text if equals else next(rest, None)
            if following is None or following.startswith("--"):
                return None
            flags[name] = following
        else:
            return None
    return flags


def become_node(flags: dict[str, str]) -> NoReturn:
    """Replaces this process with a node's."""
    packed = node.pack(flags)
    if len(packed) > PIPE_BYTES_MAX:
        raise ConfigurationError("the flags are longer than 60 kB: put them into a file and name it with --config")
    reader, writer = os.pipe()
    os.write(writer, packed)
    os.close(writer)
    os.set_inheritable(reader, True)
    sys.stdout.flush()
    sys.stderr.flush()
    # -I: no environment, no user site; -S: no site-packages. The two files are named by their paths instead.
    arguments = ["-I", "-S", node.__file__, _core.__file__, str(reader)]
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606
