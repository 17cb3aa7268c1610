"""`scrubjay version`."""

import platform

import typer

from scrubjay import __version__

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the verb."""
    app.command("version")(version)


def version() -> None:
    """Print the version."""
    print(f"scrubjay {__version__} (Python {platform.python_version()}, {platform.machine()})")
