"""The command line: one file per verb.

`run` is the only way in. Whatever goes wrong ends in one sentence on standard error and exit code 2, without a
traceback; only a bug shows one. typer and rich are imported in this folder and nowhere else in the package.
"""

import sys
from collections.abc import Sequence
from typing import Final

from scrubjay.errors import ScrubjayError

__all__ = ["run"]

EXIT_OF_BAD_USE: Final = 2
EXIT_OF_INTERRUPT: Final = 130  # 128 + SIGINT, as shells expect it


def run(arguments: Sequence[str]) -> int:
    """Runs `scrubjay` with these arguments. Returns the exit code; `serve` does not return."""
    try:
        if arguments and arguments[0] == "serve":
            from scrubjay.cli import start  # noqa: PLC0415 - each verb pays for itself only

            flags = start.read(arguments[1:])
            if flags is not None:
                start.become_node(flags)
        from scrubjay.cli import app  # noqa: PLC0415

        return app.run(arguments)
    except ScrubjayError as error:
        print("scrubjay: " + " ".join(str(error).split()), file=sys.stderr)
        return EXIT_OF_BAD_USE
    except KeyboardInterrupt:
        return EXIT_OF_INTERRUPT
    except BrokenPipeError:
        # Whoever read our output went away (`scrubjay ... | head`). Nobody is left to tell.
        sys.stdout = None
        return 0
