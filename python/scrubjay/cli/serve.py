"""`scrubjay serve`: becomes a node. What happens then is in `start.py` and `node.py`."""

import typer

from scrubjay.cli.flags import takes_settings
from scrubjay.cli.start import become_node

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the verb."""
    app.command("serve", epilog="Each flag is also a variable SCRUBJAY_... and a key of the file of --config.")(
        takes_settings(serve)
    )


def serve(flags: dict[str, str]) -> None:
    """Start a node in the foreground. SIGTERM or Ctrl-C stops it: what was read is still answered."""
    become_node(flags)
