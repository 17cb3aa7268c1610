"""The flags of `serve` and `config show`, made from the table of settings."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from scrubjay.config import Setting, settings

__all__ = ["takes_settings"]

METAVARS = {
    "addresses": "ADDRESS[,...]",
    "port": "PORT",
    "memory": "SIZE|PERCENT",
    "bytes": "SIZE",
    "duration": "DURATION",
    "int": "NUMBER",
    "choice": "WORD",
    "policy": "POLICY",
    "events": "LETTERS",
    "path": "PATH",
    "secret": "SECRET",
}


def takes_settings(verb: Callable[..., Any], *, own: tuple[inspect.Parameter, ...] = ()) -> Callable[..., Any]:
    """A typer command that takes every setting as a flag, and `own` parameters before them.

    `verb` is called with the flags that were given, as a dict of setting to text, and with its own parameters.
    """
    table = settings()
    names = {_identifier(setting): setting for setting in table}

    def command(**arguments: Any) -> Any:  # noqa: ANN401 - typer calls it with what the signature below says
        flags = {
            names[name].name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in arguments.items()
            if name in names and value is not None
        }
        return verb(flags, **{name: value for name, value in arguments.items() if name not in names})

    parameters = [*own, *map(_parameter, table)]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__doc__ = verb.__doc__
    command.__name__ = verb.__name__
    return command


def _identifier(setting: Setting) -> str:
    return setting.name.replace("-", "_")


def _parameter(setting: Setting) -> inspect.Parameter:
    is_switch = setting.kind == "bool"
    text = f"{setting.help} Default: {setting.default}." if setting.default else setting.help
    option = typer.Option(
        f"--{setting.name}/--no-{setting.name}" if is_switch else f"--{setting.name}",
        help=text.replace("[", "\\["),  # typer would read it as markup
        metavar=None if is_switch else METAVARS.get(setting.kind),
        show_default=False,
        rich_help_panel=setting.section,
    )
    annotation: Any = Annotated[bool | None, option] if is_switch else Annotated[str | None, option]
    return inspect.Parameter(_identifier(setting), inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
