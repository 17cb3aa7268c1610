"""`python bench/run.py`: every published number, beside its target.

    --only get,set,memory   some of the groups; --list shows them
    --quick                 a tenth of the time: does it work? (not: how fast is it?)
    --rounds N --seconds S  more or longer runs
    --json FILE             everything, with all samples
    --markdown [FILE]       the tables as Markdown instead of text

Exit code 0 also when targets are missed: this measures, the reader judges. 2: it could not run at all.
How each number comes about: METHOD.md.
"""

import argparse
import dataclasses
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

# Scripts, not a package: they run from a checkout, with any Python from 3.11 on and nothing installed.
sys.path.insert(0, str(Path(__file__).resolve().parent))

import churn
import embedded
import generator
import hits
import http_speed
import latency
import memory
import node
import reference
import servers
import speed
import threads
import types_of_values
from options import FULL, QUICK, Options
from report import Row, markdown, text

#: Group -> what measures it, in the order of the output. `speed` shares its servers among its three groups.
GROUPS: dict[str, Callable[[Options], Iterable[Row]]] = {
    "get": lambda options: speed.measure(options, {"get"}),
    "set": lambda options: speed.measure(options, {"set"}),
    "ping": lambda options: speed.measure(options, {"ping"}),
    "types": types_of_values.measure,
    "threads": threads.measure,
    "latency": latency.measure,
    "http": http_speed.measure,
    "memory": memory.measure,
    "swing": memory.swing,
    "payload": memory.payload,
    "node": node.measure,
    "churn": churn.measure,
    "embedded": embedded.measure,
    "hits": hits.measure,
}
SPEED = ("get", "set", "ping")


def main() -> int:
    """Measure, print, write."""
    arguments = _arguments()
    if arguments.list:
        print("\n".join(GROUPS))
        return 0
    chosen = [name.strip() for name in arguments.only.split(",")] if arguments.only else list(GROUPS)
    unknown = [name for name in chosen if name not in GROUPS]
    if unknown:
        print(f"no group {', '.join(unknown)}; there are: {', '.join(GROUPS)}", file=sys.stderr)
        return 2
    options = QUICK if arguments.quick else FULL
    given = {"rounds": arguments.rounds, "seconds": arguments.seconds}
    options = dataclasses.replace(options, **{name: value for name, value in given.items() if value})
    servers.stop_on_termination()
    _allow_many_files()
    try:
        generator.build()
    except reference.MissingError as error:
        print(error, file=sys.stderr)
        return 2
    if reason := reference.fetch():
        print(reason, file=sys.stderr)
    machine = _machine(options)
    print("\n".join(f"{name}: {value}" for name, value in machine.items()), flush=True)
    rows: list[Row] = []
    for title, measure in _work(chosen):
        began = time.monotonic()
        found = _measured(title, measure, options)
        rows += found
        print(f"\n== {title} ({time.monotonic() - began:.0f} s)", flush=True)
        print(markdown(found) if arguments.markdown == "-" else text(found), flush=True)
        # After each group, so that an interrupted run leaves what it had.
        _write(arguments, machine, rows)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--only", default="", help="comma-separated groups")
    parser.add_argument("--list", action="store_true", help="show the groups")
    parser.add_argument("--quick", action="store_true", help="short runs that prove that everything works")
    parser.add_argument("--rounds", type=int, default=0, help="interleaved rounds")
    parser.add_argument("--seconds", type=float, default=0.0, help="seconds measured per run")
    parser.add_argument("--json", default="", metavar="FILE", help="write all samples")
    parser.add_argument("--markdown", nargs="?", const="-", default="", metavar="FILE", help="Markdown tables")
    return parser.parse_args()


def _work(chosen: list[str]) -> Iterable[tuple[str, Callable[[Options], Iterable[Row]]]]:
    together = {name for name in chosen if name in SPEED}
    if together:
        yield "speed", lambda options: speed.measure(options, together)
    for name in chosen:
        if name not in SPEED:
            yield name, GROUPS[name]


def _measured(title: str, measure: Callable[[Options], Iterable[Row]], options: Options) -> list[Row]:
    """The rows of a group; a group that cannot run is one row that says why."""
    rows: list[Row] = []
    try:
        rows.extend(measure(options))
    except reference.MissingError as error:
        rows.append(Row(title, title, "", skipped=str(error)))
    return rows


def _write(arguments: argparse.Namespace, machine: dict[str, Any], rows: list[Row]) -> None:
    if arguments.json:
        document = {"machine": machine, "rows": [row.as_json() for row in rows]}
        Path(arguments.json).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if arguments.markdown not in {"", "-"}:
        Path(arguments.markdown).write_text(markdown(rows) + "\n", encoding="utf-8")


def _machine(options: Options) -> dict[str, Any]:
    """What the figures were measured on and against."""
    versions = {}
    for name, find in (
        ("scrubjay", reference.ours),
        ("redis", lambda: reference.reference("redis-server")),
        ("memcached", lambda: reference.reference("memcached")),
    ):
        try:
            versions[name] = find().version()
        except reference.MissingError as error:
            versions[name] = str(error)
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        "unknown",
    )
    load = os.getloadavg()[0]
    # Above this something else runs, and every figure but the hit ratios suffers.
    busy = " (the machine is busy: the figures are worth little)" if load > 0.7 else ""
    return {
        "processor": f"{model}, {len(os.sched_getaffinity(0))} cores",
        "kernel": platform.release(),
        **versions,
        "load before": f"{load:.2f}{busy}",
        "runs": f"{options.rounds} interleaved rounds of {options.seconds:g} s",
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _allow_many_files() -> None:
    """Idle connections are opened from this process and accepted by children, which inherit the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        # `with` blocks have stopped the servers.
        sys.exit(130)
