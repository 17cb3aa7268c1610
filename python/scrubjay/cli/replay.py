"""`scrubjay replay`: a trace of requests against an exact policy, a cache in this process, or a running node."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from scrubjay import _core
from scrubjay.errors import ConfigurationError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the verb."""
    app.command("replay")(replay)


def replay(
    trace: Annotated[
        Path, typer.Argument(metavar="TRACE", help="gzip or plain: little-endian records of u64 key and u32 size.")
    ],
    *,
    policy: Annotated[str, typer.Option(help="The policy, such as lru or s3fifo.")] = "s3fifo",
    capacity_payload: Annotated[
        int | None, typer.Option(help="The exact policy, holding so many bytes of payload.", min=1)
    ] = None,
    capacity_objects: Annotated[
        int | None, typer.Option(help="The exact policy, holding so many objects.", min=1)
    ] = None,
    max_memory: Annotated[
        str | None,
        typer.Option(help="A cache in this process with this limit, overhead and all.", metavar="SIZE"),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help=r"A running node: scrubjay://\[:password@]host\[:port]\[/db].")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of random choices.", min=0)] = 1,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Replay a trace: a miss is followed by an insert. Prints the miss ratios."""
    given = {
        "payload": capacity_payload,
        "objects": capacity_objects,
        "memory": max_memory,
        "url": url,
    }
    targets = [(kind, value) for kind, value in given.items() if value is not None]
    if len(targets) != 1:
        raise ConfigurationError(
            "give one target: --capacity-payload BYTES or --capacity-objects N for the exact policy, "
            "--max-memory SIZE for a cache in this process, or --url for a running node"
        )
    report = _watched(trace, policy, targets[0], seed)
    if json:
        Console(soft_wrap=True).print_json(data=report)
        return
    where = {"payload": f"{policy}, exact", "objects": f"{policy}, exact", "memory": policy, "url": str(url)}
    _print(report, trace.name, where[targets[0][0]], targets[0])


def _watched(trace: Path, policy: str, target: tuple[str, Any], seed: int) -> dict[str, Any]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[state]}"),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(trace.name, total=1.0, state="")

        def watch(report: dict[str, Any]) -> None:
            state = f"{report['object_miss_ratio']:.4f} missed, {report['requests_per_second']:,.0f}/s"
            progress.update(task, completed=report["fraction"] or 0.0, state=state)

        return _core.replay(str(trace), policy=policy, capacity=target, seed=seed, watch=watch)


def _print(report: dict[str, Any], trace: str, where: str, target: tuple[str, Any]) -> None:
    kind, value = target
    limit = {
        "payload": f"{value:,} bytes of payload" if kind == "payload" else "",
        "objects": f"{value} objects",
    }
    rows = [
        ("trace", trace),
        ("target", where),
        ("capacity", limit.get(kind, str(value))),
        ("requests", f"{report['requests']:,}"),
        ("hits", f"{report['hits']:,}"),
        ("misses", f"{report['misses']:,}"),
        ("object miss ratio", f"{report['object_miss_ratio']:.6f}"),
        ("byte miss ratio", f"{report['byte_miss_ratio']:.6f}"),
        ("requests/s", f"{report['requests_per_second']:,.0f}"),
    ]
    if kind == "url":
        rows = [row for row in rows if row[0] != "capacity"]
    console = Console(soft_wrap=True)
    if not console.is_terminal:
        for name, text in rows:
            print(f"{name:<18} {text}")
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, text in rows:
        table.add_row(name, text)
    console.print(table)
