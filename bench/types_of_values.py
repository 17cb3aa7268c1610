"""The commands of redis-benchmark's list, beside Redis: strings, lists, sets, hashes and sorted sets.

The load is redis-benchmark, pipelined, with 50 connections: it costs more CPU than our own generator, so it sets the
pace, but what is compared is the server's CPU per operation. Each command runs on the keys that redis-benchmark uses,
after those that fill them; servers take turns at each command.
"""

import os
import subprocess
from collections.abc import Iterable

import targets
from options import Options
from reference import MissingError, reference
from report import Row
from servers import OURS, REDIS, Server, cores, cpu_seconds, on_core, started

VALUE = "x" * 64
RANDOM = "__rand_int__"
#: Name -> the command, `__rand_int__` replaced by a number below SPACE. Lists are filled, then read, then popped.
COMMANDS: dict[str, tuple[str, ...]] = {
    "SET": ("SET", f"key:{RANDOM}", VALUE),
    "GET": ("GET", f"key:{RANDOM}"),
    "INCR": ("INCR", f"counter:{RANDOM}"),
    "LPUSH": ("LPUSH", "mylist", VALUE),
    "RPUSH": ("RPUSH", "mylist", VALUE),
    "LRANGE 100": ("LRANGE", "mylist", "0", "99"),
    "LRANGE 300": ("LRANGE", "mylist", "0", "299"),
    "LRANGE 500": ("LRANGE", "mylist", "0", "499"),
    "LRANGE 600": ("LRANGE", "mylist", "0", "599"),
    "LPOP": ("LPOP", "mylist"),
    "RPOP": ("RPOP", "mylist"),
    "SADD": ("SADD", "myset", f"element:{RANDOM}"),
    "SISMEMBER": ("SISMEMBER", "myset", f"element:{RANDOM}"),
    "SPOP": ("SPOP", "myset"),
    "HSET": ("HSET", "myhash", f"element:{RANDOM}", VALUE),
    "HGET": ("HGET", "myhash", f"element:{RANDOM}"),
    "ZADD": ("ZADD", "myzset", RANDOM, f"element:{RANDOM}"),
    "ZRANK": ("ZRANK", "myzset", f"element:{RANDOM}"),
    "ZRANGE 100": ("ZRANGE", "myzset", "0", "99"),
    "ZPOPMIN": ("ZPOPMIN", "myzset"),
    "MSET 10": ("MSET", *(word for _ in range(10) for word in (f"key:{RANDOM}", VALUE))),
}
PIPELINE = 16
CLIENTS = 50
#: Distinct keys, fields and members.
SPACE = 100_000
#: Requests that a run has, at full length; those of many elements need fewer.
REQUESTS = 400_000
REQUESTS_LONG = 40_000
LONG = ("LRANGE", "ZRANGE", "MSET")
#: Three seconds a run are the full length.
FULL_SECONDS = 3.0


def measure(options: Options) -> Iterable[Row]:
    """Server CPU per operation of each command, and its ratio to Redis'."""
    rows = {test: Row("types", _case(test), targets.CPU, limits=targets.AHEAD) for test in COMMANDS}
    with started((OURS, REDIS)) as (running, missing):
        for row in rows.values():
            row.skipped = missing.get(OURS, "")
        for _ in range(options.rounds):
            for test, row in rows.items():
                for server in running:
                    row.samples.setdefault(server.name, []).append(_run(server, test, options))
    return rows.values()


def _case(test: str) -> str:
    return f"{test}, pipeline {PIPELINE}"


def _run(server: Server, test: str, options: Options) -> float:
    """Microseconds of the server's CPU per operation."""
    whole = REQUESTS_LONG if test.startswith(LONG) else REQUESTS
    requests = max(int(whole * options.seconds / FULL_SECONDS), 1000)
    program = reference("redis-benchmark")
    words = [program.path, "-p", str(server.port), "-n", str(requests), "-r", str(SPACE)]
    words += ["-P", str(PIPELINE), "-c", str(CLIENTS), "-q", *COMMANDS[test]]
    before = cpu_seconds(server.pid)
    with on_core(cores()[1]):
        done = subprocess.run(words, env=os.environ | program.environment, capture_output=True, text=True, check=False)
    if done.returncode != 0 or "error" in (done.stdout + done.stderr).lower():
        reason = f"{server.name}, {test}: {(done.stderr or done.stdout).strip()[-200:]}"
        raise MissingError(reason)
    return (cpu_seconds(server.pid) - before) * 1e6 / requests
