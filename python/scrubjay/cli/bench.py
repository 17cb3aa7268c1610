"""`scrubjay bench`: puts load on a running server, and says what it answered and what that cost.

The flags are the load generator's own settings with its own defaults; here they only get a sentence each.
"""

import inspect
import json
import signal
from dataclasses import asdict
from typing import Annotated, Any, Final

import typer

from scrubjay.bench import Load, defaults, load

__all__ = ["register"]

HELP: Final = {
    "host": "Where the server is.",
    "port": "Its port.",
    "protocol": "resp, memcached, meta or http.",
    "operation": "get, set, mix, load (write every key once) or ping.",
    "pipeline": "Requests written together and answered together.",
    "connections": "Connections, shared out among the threads.",
    "threads": "Threads of the generator.",
    "keys": "How many keys there are.",
    "value_bytes": "Length of a value.",
    "value_bytes_max": "If larger: lengths are spread evenly from value-bytes to this.",
    "set_percent": "Share of writes in a mix.",
    "ttl_s": "Lifetime that writes give, in seconds; 0 for none.",
    "duration_s": "Seconds measured.",
    "warmup_s": "Seconds run before that.",
    "rate_per_s": "Requests per second, whether or not the server keeps up; 0: as fast as it answers.",
    "server_pid": "The server's process on this machine, for its CPU time.",
    "seed": "Seed of keys, values and arrival times.",
}


def register(app: typer.Typer) -> None:
    """Adds the verb."""

    def command(**arguments: Any) -> None:  # noqa: ANN401 - typer calls it with what the signature below says
        bench(**arguments)

    known = defaults()
    as_json = inspect.Parameter(
        "as_json",
        inspect.Parameter.KEYWORD_ONLY,
        default=False,
        annotation=Annotated[bool, typer.Option("--json", help="Print the report as JSON.")],
    )
    parameters = [
        *(
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=known[name],
                annotation=Annotated[type(known[name]), typer.Option(f"--{name.replace('_', '-')}", help=text)],
            )
            for name, text in HELP.items()
        ),
        as_json,
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__doc__ = bench.__doc__
    app.command("bench")(command)


def bench(*, as_json: bool, **settings: Any) -> None:  # noqa: ANN401 - the load generator checks them
    """Measure a running server: throughput, latency and, with --server-pid, its CPU per operation."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the run is one call into Rust, which Ctrl-C must end
    found = load(**settings)
    print(json.dumps(asdict(found)) if as_json else _table(found))
    if found.errors:
        raise typer.Exit(1)


def _table(found: Load) -> str:
    latencies = (("p50", found.p50_us), ("p99", found.p99_us), ("p99.9", found.p999_us), ("max", found.max_us))
    rows = [
        ("operations", f"{found.ops:,} in {found.seconds:.2f} s"),
        ("throughput", f"{found.ops_per_s:,.0f} per second"),
        ("latency", ", ".join(f"{name} {value:,.0f} us" for name, value in latencies)),
        ("generator", f"{found.generator_cpu:.2f} cores, {found.generator_cpu_us_per_op:.2f} us per operation"),
    ]
    if found.server_cpu is not None:
        rows.append(("server", f"{found.server_cpu:.2f} cores, {found.server_cpu_us_per_op:.2f} us per operation"))
    if found.hits or found.misses:
        rows.append(("reads", f"{found.hits:,} hits, {found.misses:,} misses"))
    if found.errors:
        rows.append(("errors", f"{found.errors:,}, the first: {found.first_error}"))
    return "\n".join(f"{name:<11} {text}" for name, text in rows)
