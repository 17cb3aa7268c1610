"""redis-cli in each of its modes, and redis-benchmark: what operators type without thinking about who answers."""

import json
import re
import signal
import subprocess
from collections.abc import Callable

import pytest

from harness.resp import encode
from harness.servers import Server, reference_environment
from harness.waiting import eventually

KEYS = 2000

# What redis-benchmark 7.0 runs by default; a test runs when the node has its command.
BENCHMARKS = ["ping_inline", "ping_mbulk", "set", "get", "incr", "mset"]

Runner = Callable[..., str]


@pytest.fixture
def cli(redis_cli: str, ours: Server) -> Runner:
    """Runs redis-cli against the node and returns what it printed."""
    with ours.connect() as connection:
        connection.run("FLUSHALL")

    def run(*arguments: str, stdin: bytes = b"") -> str:
        done = subprocess.run(
            [redis_cli, "-p", str(ours.port), *arguments],
            input=stdin,
            env=reference_environment(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
        return done.stdout.decode(errors="replace")

    return run


@pytest.fixture
def filled(ours: Server, cli: Runner) -> Runner:
    """The same, with `KEYS` keys of growing length in the node."""
    with ours.connect() as connection:
        connection.pipeline([("SET", f"key:{number}", "x" * (number + 1)) for number in range(KEYS)])
    return cli


def test_a_command_and_its_answer(cli: Runner) -> None:
    assert cli("set", "a", "1", "ex", "100") == "OK\n"
    assert cli("get", "a") == "1\n"
    assert cli("--no-raw", "get", "missing") == "(nil)\n"
    assert cli("--no-raw", "mget", "a", "missing") == '1) "1"\n2) (nil)\n'
    assert cli("--no-raw", "-3", "get", "missing") == "(nil)\n"
    assert "WRONG" not in cli("-n", "5", "get", "a")
    assert json.loads(cli("--json", "mget", "a", "missing")) == ["1", None]


def test_lines_from_standard_input_with_quotes_and_binary(cli: Runner) -> None:
    lines = b'set "a key" "\\x00\\xff"\nstrlen "a key"\nselect 3\nset b 1\ndbsize\n'
    assert cli(stdin=lines) == "OK\n2\nOK\nOK\n1\n"


def test_scan_lists_every_key(filled: Runner) -> None:
    assert sorted(filled("--scan").split()) == sorted(f"key:{number}" for number in range(KEYS))
    assert len(filled("--scan", "--pattern", "key:1??").split()) == 100


def test_bigkeys_and_memkeys_find_the_largest(filled: Runner) -> None:
    bytes_found = re.search(r"Biggest string found .*key:(\d+).* has (\d+) bytes", filled("--bigkeys"))
    assert bytes_found is not None
    assert bytes_found.groups() == (str(KEYS - 1), str(KEYS))
    memory_found = re.search(r"Biggest string found .*key:(\d+).* has (\d+) bytes", filled("--memkeys"))
    assert memory_found is not None
    assert int(memory_found[2]) > KEYS
    assert int(memory_found[1]) > KEYS * 0.9


def test_pipe_loads_raw_protocol(cli: Runner, ours: Server) -> None:
    commands = b"".join(encode(("SET", f"key:{number}", number)) for number in range(20_000))
    said = cli("--pipe", stdin=commands + encode(("INCR", "text")) + b"SET inline 1\r\n")
    assert "errors: 0, replies: 20002" in said
    with ours.connect() as connection:
        assert connection.run("DBSIZE").number == 20_002
        assert connection.run("GET", "key:19999").data == b"19999"


@pytest.mark.parametrize("mode", ["--stat", "--latency"])
def test_modes_that_never_end_show_figures(mode: str, redis_cli: str, ours: Server) -> None:
    process = subprocess.Popen(
        [redis_cli, "-p", str(ours.port), *mode.split(), "-i", "0.05"],
        env=reference_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        printed = b""
        while len(re.findall(rb"\d+", printed)) < 30 and process.poll() is None:
            printed += process.stdout.read1(1000)  # type: ignore[attr-defined]
    finally:
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        process.wait(20)
        process.stdout.close()
    assert b"rror" not in printed, printed


def test_monitor_and_subscribe_modes_end_with_the_client(redis_cli: str, ours: Server) -> None:
    process = subprocess.Popen(
        [redis_cli, "-p", str(ours.port), "monitor"],
        env=reference_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"OK\n"
        with ours.connect() as connection:
            connection.run("SET", "seen", 'with "quotes"')
            line = process.stdout.readline()
            assert re.fullmatch(rb'\d+\.\d{6} \[0 127\.0\.0\.1:\d+\] "SET" "seen" "with \\"quotes\\""\n', line)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    with ours.connect() as connection:
        eventually(lambda: "cmd=monitor" not in connection.run("CLIENT", "LIST").data.decode(), "the monitor is gone")


def test_the_benchmark_runs(redis_benchmark: str, ours: Server) -> None:
    done = subprocess.run(
        [
            redis_benchmark,
            "-p",
            str(ours.port),
            *["-n", "20000", "-c", "20", "-P", "16", "-q", "--csv", "-t"],
            ",".join(BENCHMARKS),
        ],
        env=reference_environment(),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # One row a test, below a heading; an error would be on standard error, and would end it.
    names = [row.split(",")[0].strip('"') for row in done.stdout.splitlines()[1:]]
    assert [name.split(" ")[0].lower() for name in names] == BENCHMARKS, done.stdout
    assert "ERR" not in done.stderr, done.stderr
