"""The command line as typer sees it. Imported when it is needed: typer costs more than starting a node does."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

import typer

from scrubjay.errors import ConfigurationError

__all__ = ["build", "run"]

EXIT_OF_BAD_USE: Final = 2
EXIT_OF_INTERRUPT: Final = 130  # 128 + SIGINT, as shells expect it

VERBS: Final = {
    "serve": "scrubjay.cli.serve",
    "cli": "scrubjay.cli.client",
    "bench": "scrubjay.cli.bench",
    "replay": "scrubjay.cli.replay",
    "config": "scrubjay.cli.configuration",
    "version": "scrubjay.cli.version",
}

# What typer raises for a wrong command line. The class has moved between releases; its place in this tree has not.
UsageError: Final[Any] = typer.BadParameter.__mro__[1]


def build(verb: str | None = None) -> typer.Typer:
    """The whole command line, or one verb of it: no verb waits for what only another one needs."""
    app = typer.Typer(
        name="scrubjay",
        help="A distributed cache that installs with pip: Redis and HTTP clients are its clients, and so is Python.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(_whole)
    for name, module in VERBS.items():
        if verb is None or verb == name:
            import_module(module).register(app)
    return app


def _whole() -> None:
    """Keeps typer from dropping the verb's name where there is only one verb."""


def run(arguments: Sequence[str]) -> int:
    """Runs `scrubjay` with these arguments. Returns the exit code.

    Raises:
        ConfigurationError: the command line is wrong.
    """
    app = build(arguments[0] if arguments and arguments[0] in VERBS else None)
    try:
        return int(app(list(arguments), prog_name="scrubjay", standalone_mode=False) or 0)
    except UsageError as wrong:
        context = getattr(wrong, "ctx", None)
        command = "scrubjay" if context is None else context.command_path
        sentence: str = wrong.format_message()
        if not sentence:  # no arguments at all: the help was printed
            return EXIT_OF_BAD_USE
        raise ConfigurationError(f"{sentence.rstrip('.')}; see {command} --help") from wrong
    except typer.Abort:
        return EXIT_OF_INTERRUPT
