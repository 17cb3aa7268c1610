"""`scrubjay config`: what a node would be started with."""

import inspect
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from scrubjay.cli.flags import takes_settings
from scrubjay.config import in_force

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the verb and its parts."""
    verbs = typer.Typer(help="Look at the configuration.", no_args_is_help=True)
    origin = inspect.Parameter(
        "origin",
        inspect.Parameter.KEYWORD_ONLY,
        default=False,
        annotation=Annotated[bool, typer.Option("--origin", help="Also say where each value came from.")],
    )
    verbs.command("show")(takes_settings(show, own=(origin,)))
    app.add_typer(verbs, name="config")


def show(flags: dict[str, str], *, origin: bool) -> None:
    """Print every setting as `serve` would use it with the same flags, environment and file."""
    rows = in_force(flags)
    console = Console(soft_wrap=True)
    if not console.is_terminal:
        for row in rows:
            print(f"{row.name} = {row.value}" + (f"  # {row.origin}" if origin else ""))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold")
    if origin:
        table.add_column("origin", overflow="fold", style="dim")
    for row in rows:
        value = Text(row.value, style="" if row.origin == "default" else "green")
        table.add_row(row.name, value, *([Text(row.origin)] if origin else []))
    console.print(table)
