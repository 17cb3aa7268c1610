"""The command line but for `serve`: help, `cli`, `config show`, `bench`, `replay`, and what mistakes look like."""

import gzip
import json
import os
import pty
import random
import select
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import COMMAND, DEADLINE_S, Process, environment, free_port, run
from typer.testing import CliRunner

from scrubjay import __version__, _core
from scrubjay.cli import prompt
from scrubjay.cli.app import VERBS, build
from scrubjay.config import settings

Node = Callable[..., tuple[Process, int]]


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_every_verb_explains_itself(verb: str) -> None:
    ended = CliRunner().invoke(build(), [*([verb] if verb else []), "--help"])
    assert ended.exit_code == 0, ended.output
    assert "Usage:" in ended.output


def test_serve_has_a_flag_for_every_setting() -> None:
    ended = run("serve", "--help")
    for setting in settings():
        assert f"--{setting.name}" in ended.stdout
        assert setting.section in ended.stdout


def test_version_is_the_packages(tmp_path: Path) -> None:
    assert run("version").stdout.startswith(f"scrubjay {__version__} ")
    assert tmp_path.exists()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["nosuch"], "No such command 'nosuch'"),
        (["--nosuch"], "--nosuch"),
        (["cli", "--port", "x", "ping"], "--port"),
        (["bench", "--operation", "dance", "--port", "1"], "dance"),
        (["replay"], "TRACE"),
        (["replay", "/nonexistent.gz", "--capacity-objects", "1"], "/nonexistent.gz"),
        (["replay", "x", "--capacity-objects", "1", "--url", "y"], "give one target"),
        (["replay", __file__, "--max-memory", "much"], "max_memory: 'much'"),
        (["config", "show", "--max-memory", "much"], "max-memory: 'much'"),
        (["config", "show", "--nosuch", "1"], "--nosuch"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(arguments: list[str], part: str) -> None:
    ended = run(*arguments)
    assert ended.returncode == 2
    assert part in ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr


def test_nobody_listening_is_one_sentence() -> None:
    for verb in (["cli", "-p", str(free_port()), "ping"], ["bench", "--port", str(free_port())]):
        ended = run(*verb)
        assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
        assert "cannot connect" in ended.stderr


def test_config_show_says_what_is_in_force_and_where_it_came_from(tmp_path: Path) -> None:
    file = tmp_path / "jay.toml"
    file.write_text('policy = "lfu"\nrequirepass = "swordfish"\n')
    ended = run("config", "show", "--origin", "--config", str(file), "--port", "7000", SCRUBJAY_THREADS="3")
    assert ended.returncode == 0
    rows = dict(line.split(" = ", 1) for line in ended.stdout.splitlines())
    assert len(rows) == len(settings())
    assert rows["policy"] == f"allkeys-lfu  # {file}"
    assert rows["port"] == "7000  # --port"
    assert rows["threads"] == "3  # SCRUBJAY_THREADS"
    assert rows["max-entries"] == "0  # default"
    assert "swordfish" not in ended.stdout
    assert "#" not in run("config", "show").stdout


def test_commands_run_once(node: Node) -> None:
    _, port = node()
    at = ("cli", "-p", str(port))
    assert run(*at, "set", "greeting", "hello world", "EX", "100").stdout == "OK\n"
    assert run(*at, "get", "greeting").stdout == "hello world\n"
    assert run(*at, "--no-raw", "get", "greeting").stdout == '"hello world"\n'
    assert run(*at, "--no-raw", "get", "nothing").stdout == "(nil)\n"
    assert run(*at, "incrby", "n", "-5").stdout == "-5\n"
    refused = run(*at, "--no-raw", "incr", "greeting")
    assert refused.stdout.startswith("(error) ERR value is not an integer")
    assert refused.returncode == 1
    assert run(*at, "-n", "3", "get", "greeting").stdout == "\n"
    unknown = run(*at, "-n", "pages", "get", "greeting")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)
    assert "refused SELECT: ERR no namespace 'pages': JAY.NAMESPACE SET pages makes one" in unknown.stderr
    assert run(*at, "jay.namespace", "set", "pages").stdout == "OK\n"
    assert run(*at, "-n", "pages", "set", "a", "1").stdout == "OK\n"
    assert run(*at, "-n", "pages", "dbsize").stdout == "1\n"
    assert run(*at, "-n", "16", "dbsize").returncode == 2
    assert run(*at, "-x", "set", "from-stdin", stdin="line\n").stdout == "OK\n"
    assert run(*at, "get", "from-stdin").stdout == "line\n\n"


def test_commands_come_from_standard_input(node: Node) -> None:
    _, port = node()
    ended = run("cli", "-p", str(port), stdin='set "a key" \'it\\\'s\'\n\nget "a key"\nget "open\nincr n\n')
    assert ended.stdout == "OK\nit's\n1\n"
    assert ended.stderr.count("\n") == 1
    assert ended.returncode == 1


def test_answers_come_as_json(node: Node) -> None:
    _, port = node()
    at = ("cli", "-p", str(port), "--json")
    run(*at, "mset", "a", "1", "b", "Rübe")
    assert json.loads(run(*at, "mget", "a", "b", "c").stdout) == ["1", "Rübe", None]
    assert json.loads(run(*at, "nosuch").stdout)["error"].startswith("ERR unknown command")


def test_a_password_is_asked_for_and_taken(node: Node) -> None:
    _, port = node("--requirepass", "swordfish")
    at = ("cli", "-p", str(port))
    assert run(*at, "get", "a").stdout.startswith("NOAUTH")
    assert run(*at, "-a", "swordfish", "ping").stdout == "PONG\n"
    assert run(*at, "ping", SCRUBJAYCLI_AUTH="swordfish").stdout == "PONG\n"
    wrong = run(*at, "-a", "trout", "ping")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "refused AUTH" in wrong.stderr


def test_help_knows_every_command() -> None:
    for row in _core.commands():
        text = prompt.help_for(row["name"].lower())
        assert row["summary"] in text
        assert f"since: {row['since']}" in text
        for sub in row["subcommands"]:
            assert sub["summary"] in prompt.help_for(f"{row['name']} {sub['name']}")
    assert "GET key" in prompt.help_for("@string")
    assert "@string" in prompt.help_for("")
    assert "no command" in prompt.help_for("nosuch")
    assert "no group" in prompt.help_for("@nosuch")


def test_bench_reports_what_it_measured(node: Node) -> None:
    process, port = node()
    short = ("--port", str(port), "--duration-s", "0.1", "--warmup-s", "0", "--keys", "1000")
    loaded = run("bench", *short, "--operation", "load")
    assert (loaded.returncode, "1,000 in" in loaded.stdout) == (0, True), loaded.stderr
    report = json.loads(run("bench", *short, "--json", "--server-pid", str(process.popen.pid)).stdout)
    assert report["hits"] == report["ops"] > 0
    assert report["errors"] == 0
    assert report["server_cpu"] is not None


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """20,000 requests for some 1,000 keys of 10 to 100 bytes."""
    draw = random.Random(1)
    sizes = [draw.randint(10, 100) for _ in range(1000)]
    keys = [int(draw.paretovariate(0.6)) % 1000 for _ in range(20_000)]
    path = tmp_path / "trace.bin.gz"
    path.write_bytes(gzip.compress(b"".join(struct.pack("<QI", key, sizes[key]) for key in keys)))
    return path


def test_replay_of_an_exact_policy_prints_its_miss_ratios(trace: Path) -> None:
    ended = run("replay", str(trace), "--policy", "lru", "--capacity-payload", "5000")
    rows = dict(line.rsplit("  ", 1) for line in ended.stdout.splitlines())
    found = {name.strip(): value.strip() for name, value in rows.items()}
    assert found["requests"] == "20,000"
    assert 0.0 < float(found["object miss ratio"]) < 1.0
    assert 0.0 < float(found["byte miss ratio"]) < 1.0
    assert not ended.stderr


def test_replay_knows_every_policy(trace: Path) -> None:
    for policy in _core.pure_policies():
        report = json.loads(run("replay", str(trace), "--policy", policy, "--capacity-objects", "100", "--json").stdout)
        assert report["hits"] + report["misses"] == report["requests"] == 20_000, policy
        assert report["fraction"] == 1.0


def test_replay_in_this_process_feels_the_limit(trace: Path) -> None:
    def misses(limit: str, policy: str) -> int:
        ended = run("replay", str(trace), "--max-memory", limit, "--policy", policy, "--json")
        assert ended.returncode == 0, ended.stderr
        found: int = json.loads(ended.stdout)["misses"]
        return found

    roomy = misses("64mb", "allkeys-lru")
    assert roomy == json.loads(run("replay", str(trace), "--capacity-objects", "9999", "--json").stdout)["misses"]
    assert misses("0", "noeviction") == roomy


def test_replay_against_a_running_node_hits_what_fits(trace: Path, node: Node) -> None:
    _, port = node()
    report = json.loads(run("replay", str(trace), "--url", f"scrubjay://127.0.0.1:{port}", "--json").stdout)
    unlimited = json.loads(run("replay", str(trace), "--policy", "lru", "--capacity-objects", "9999", "--json").stdout)
    assert (report["hits"], report["misses"]) == (unlimited["hits"], unlimited["misses"])


def test_a_watcher_sees_a_replay_and_can_stop_it(trace: Path) -> None:
    seen: list[float] = []

    def watch(report: dict[str, float]) -> bool:
        seen.append(report["fraction"])
        return False

    report = _core.replay(str(trace), policy="fifo", capacity=("objects", 10), watch=watch)
    assert report["stopped"]
    assert len(seen) == 1
    with pytest.raises(ZeroDivisionError):
        _core.replay(str(trace), policy="fifo", capacity=("objects", 10), watch=lambda _: 1 / 0)


def test_the_prompt_runs_commands_and_survives_mistakes(node: Node, tmp_path: Path) -> None:
    _, port = node()
    history = tmp_path / "history"
    typed = [
        "set a 1",
        "incr a",
        'get "open',
        "help incr",
        "select 3",
        "jay.namespace set pages",
        "select pages",
        "auth secret",
        "get a",
        "quit",
    ]
    shown = in_terminal(["cli", "-p", str(port)], typed, SCRUBJAY_HISTORY=str(history))
    for text in (
        f"127.0.0.1:{port}> ",
        "(integer) 2",
        '(error) a quotation mark (") is not closed',
        "complexity: O(1)",
        f"127.0.0.1:{port}[3]> ",
        f"127.0.0.1:{port}[pages]> ",
        "(nil)",
    ):
        assert text in shown, shown
    kept = history.read_text(encoding="utf-8")
    assert "incr a" in kept
    assert "secret" not in kept
    assert history.stat().st_mode & 0o777 == 0o600


def in_terminal(arguments: list[str], lines: list[str], **variables: str) -> str:
    """Types lines into `scrubjay` in a terminal of its own, each after a prompt. Returns what the terminal shows."""
    primary, secondary = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=secondary,
        stdout=secondary,
        stderr=secondary,
        env=environment(TERM="dumb", **variables),
    )
    os.close(secondary)
    shown = b""
    prompts = 0
    try:
        for line in [*lines, None]:
            prompts += 1
            while shown.count(b"> ") < prompts and (more := read_some(primary)):
                shown += more
            if line is not None:
                os.write(primary, line.encode() + b"\n")
        process.wait(DEADLINE_S)
    finally:
        process.kill()
        process.wait()
        os.close(primary)
    return shown.decode().replace("\r\n", "\n")


def read_some(terminal: int) -> bytes:
    """The next bytes from a terminal; none at its end or after the deadline."""
    ready, _, _ = select.select([terminal], [], [], DEADLINE_S)
    try:
        return os.read(terminal, 65536) if ready else b""
    except OSError:  # Linux says EIO when the last process of a terminal ends
        return b""
