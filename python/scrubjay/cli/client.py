"""`scrubjay cli`: a command for a running node, or a prompt.

Three ways in: a command as arguments, a prompt where standard input is a terminal, and otherwise a command a line from
standard input. Three ways out: for people on a terminal, bare for pipes, JSON with `--json`.
"""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from scrubjay.cli import prompt, render
from scrubjay.cli.resp import Answer, Connection, Failure

__all__ = ["register"]

STREAMING = {b"MONITOR"}
DATABASES = 16


def register(app: typer.Typer) -> None:
    """Adds the verb."""
    # Everything after the first word belongs to the command, dashes included: `scrubjay cli incrby n -5`.
    app.command("cli", context_settings={"allow_interspersed_args": False})(cli)


def cli(
    command: Annotated[list[str] | None, typer.Argument(help="The command and its arguments; none: a prompt.")] = None,
    *,
    host: Annotated[str, typer.Option("-h", "--host", help="Where the node is.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("-p", "--port", help="Its port for Redis clients.", min=1, max=65535)] = 6379,
    password: Annotated[
        str | None,
        typer.Option("-a", "--pass", envvar="SCRUBJAYCLI_AUTH", help="The password.", show_default=False),
    ] = None,
    user: Annotated[str | None, typer.Option("--user", help="The user.", show_default=False)] = None,
    namespace: Annotated[str, typer.Option("-n", help="The database by its number, or the namespace by name.")] = "0",
    resp3: Annotated[bool, typer.Option("-3", help="Speak RESP3.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print answers as JSON, a line each; speaks RESP3.")] = False,
    raw: Annotated[
        bool | None, typer.Option("--raw/--no-raw", help="Print bare answers, as into a pipe, or never.")
    ] = None,
    last_from_stdin: Annotated[bool, typer.Option("-x", help="Read the last argument from standard input.")] = False,
) -> None:
    """Send a command to a running node, or open a prompt."""
    if namespace.isdecimal() and int(namespace) >= DATABASES:
        raise typer.BadParameter(f"{namespace} is no database: they are 0 to {DATABASES - 1}", param_hint="-n")

    def connect() -> Connection:
        return Connection(host, port, password=password, user=user, namespace=namespace, resp3=resp3 or json)

    is_raw = not sys.stdout.isatty() if raw is None else raw
    show = _show_json if json else _show_raw if is_raw else _show_to_people
    if command:
        words = [word.encode(errors="surrogateescape") for word in command]
        if last_from_stdin:
            words.append(sys.stdin.buffer.read())
        with connect() as connection:
            raise typer.Exit(once(connection, words, show))
    if sys.stdin.isatty():
        prompt.run(connect, namespace, lambda connection, words: once(connection, words, show))
        return
    with connect() as connection:
        raise typer.Exit(_lines(connection, show))


def once(connection: Connection, words: list[bytes], show: Callable[[Answer], None]) -> int:
    """Runs a command and shows its answer. Returns 1 if it was refused, 0 otherwise."""
    answer = connection.call(words)
    show(answer)
    while words[0].upper() in STREAMING and not isinstance(answer, Failure):
        sys.stdout.flush()
        show(connection.receive())
    return int(isinstance(answer, Failure))


def _lines(connection: Connection, show: Callable[[Answer], None]) -> int:
    worst = 0
    for line in sys.stdin:
        try:
            words = render.split(line)
        except ValueError as wrong:
            print(f"scrubjay: {wrong}: {line.rstrip()}", file=sys.stderr)
            worst = 1
        else:
            worst |= once(connection, words, show) if words else 0
    return worst


def _show_json(answer: Answer) -> None:
    print(render.as_json(answer))


def _show_raw(answer: Answer) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(render.raw(answer) + b"\n")


def _show_to_people(answer: Answer) -> None:
    print(render.for_people(answer))
