"""README.md typed off: its commands against a node on other ports, with what it says that they answer."""

import ast
import gzip
import json
import re
import shlex
import shutil
import struct
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from processes import COMMAND, Process, environment, run

from harness.servers import Server, free_port, reference_environment, reference_missing, tool

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
TOUR = README.split("## A minute's tour")[1].split("\n## ")[0]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass
class Step:
    """A line behind a prompt, the other way to type it, and what stands below."""

    command: list[str]
    otherwise: list[str]
    answer: str


def _steps() -> list[Step]:
    console = next(text for _, text in BLOCK.findall(TOUR) if text.startswith("$ "))
    steps = []
    for part in ("\n" + console).split("\n$ ")[1:]:
        line, _, answer = part.partition("\n")
        command, _, comment = line.partition("  # or: ")
        steps.append(Step(shlex.split(command), shlex.split(comment) or shlex.split(command), answer.strip()))
    return steps


def _verbs() -> dict[str, list[str]]:
    """The words after `scrubjay` in the block of the command line, by verb."""
    text = next(text for _, text in BLOCK.findall(TOUR) if text.startswith("scrubjay serve"))
    lines = [shlex.split(line, comments=True) for line in text.splitlines()]
    return {words[1]: words[1:] for words in lines}


def _typed(words: list[str], node: Server) -> list[str]:
    """The words with this machine's paths and the node's ports. Skips what this machine has no program for."""
    match words[0].rpartition("/")[2]:
        case "redis-cli":
            program = _found("redis-cli")
            return [program, "-p", str(node.port), *words[1:]]
        case "scrubjay":
            return [*COMMAND, words[1], "-p", str(node.port), *words[2:]]
        case "curl":
            program = _found("curl")
            if "--json" in words:
                told = subprocess.run([program, "--help", "all"], capture_output=True, text=True, check=True)
                if "--json" not in told.stdout:
                    pytest.skip("this curl is older than 7.82 and has no --json")
            at = f"127.0.0.1:{node.http_port}"
            assert any("localhost:8080" in word for word in words), words
            return [program, "-sS", *(word.replace("localhost:8080", at) for word in words[1:])]
    raise AssertionError(f"the README has a command that this test does not know: {words}")


def _found(name: str) -> str:
    missing = reference_missing() if name.startswith("redis-") else "it is not installed"
    path = tool(name) if name.startswith("redis-") else shutil.which(name)
    if path is None:
        pytest.skip(f"no {name}: {missing}")
    return path


@pytest.mark.parametrize("way", ["command", "otherwise"])
def test_the_tour_answers_what_the_readme_prints(way: str, serve: Callable[..., Server]) -> None:
    node = serve()
    printed = []
    for step in _steps():
        words = _typed(getattr(step, way), node)
        done = subprocess.run(
            words, env=reference_environment(), capture_output=True, text=True, timeout=20, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), words
        printed.append(done.stdout.strip())
        if not step.answer.startswith("{"):
            assert not step.answer or done.stdout.strip() == step.answer, words
            continue
        promised, answered = json.loads(step.answer), json.loads(done.stdout)
        assert list(answered) == list(promised), words
        # Times and versions depend on the moment; everything else is as printed.
        assert 0 < answered.pop("ttl") <= 60
        assert promised.pop("ttl") <= 60
        assert answered == promised, words
    # What prints nothing there prints this.
    assert json.loads(printed[-2]) == {"key": "a", "stored": True, "replicas": 1, "quorum": 1}
    assert json.loads(printed[-1])["entries"] == 2


def test_the_python_of_the_tour_returns_what_its_comments_say(tmp_path: Path) -> None:
    (source,) = [text for language, text in BLOCK.findall(TOUR) if language == "python"]
    lines, promises = source.splitlines(), 0
    for node in reversed(ast.parse(source).body):
        said = re.search(r"  # (.+)$", lines[node.lineno - 1])
        if said:
            assert isinstance(node, ast.Expr), lines[node.lineno - 1]
            lines[node.lineno - 1] = f"assert ({ast.unparse(node)}) == {said[1]}, {lines[node.lineno - 1]!r}"
            promises += 1
    assert promises >= 3
    program = tmp_path / "tour.py"
    program.write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, program], env=environment(), capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_verb_of_the_readme_is_tried_here() -> None:
    assert set(_verbs()) == {"serve", "config", "cli", "bench", "replay"}


def test_serve_runs_with_the_flags_of_the_readme(start: Callable[..., Process]) -> None:
    process = start(*_verbs()["serve"], "--port", str(free_port()), "--http-port", str(free_port()))
    process.wait_for("is ready")
    assert "at most 4 GiB; policy allkeys-lru" in process.output
    assert process.stop() == 0


def test_config_show_says_where_each_setting_came_from() -> None:
    done = run(*_verbs()["config"], SCRUBJAY_MAX_MEMORY="1gb")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^max-memory = .*# SCRUBJAY_MAX_MEMORY$", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"^port = 6379 +# default$", done.stdout, re.MULTILINE), done.stdout


def test_cli_takes_commands_as_it_is_typed(serve: Callable[..., Server]) -> None:
    done = run(*_verbs()["cli"], "-p", str(serve().port), stdin="set greeting hello ex 60\nget greeting\n")
    assert (done.returncode, done.stdout) == (0, "OK\nhello\n"), done.stderr


def test_bench_prints_throughput_and_latency(serve: Callable[..., Server]) -> None:
    done = run(*_verbs()["bench"], "--port", str(serve().port), "--duration-s", "0.2", "--warmup-s", "0")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^throughput +[0-9,]+ per second$", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"^latency +p50 [0-9,]+ us, p99 ", done.stdout, re.MULTILINE), done.stdout


def test_replay_prints_the_miss_ratio_of_the_policy_and_the_size_that_the_readme_names(tmp_path: Path) -> None:
    words = _verbs()["replay"]
    capacity_bytes = int(words[words.index("--capacity-payload") + 1])
    assert words[words.index("--policy") + 1] == "lru"
    draw = Random(7)
    # A thousand values of a thousandth to five thousandths of the capacity: a third of them fit.
    sizes = [draw.randint(capacity_bytes // 1000, capacity_bytes // 200) for _ in range(1000)]
    keys = [int(draw.paretovariate(0.5)) % len(sizes) for _ in range(20_000)]
    trace = tmp_path / words[1]
    trace.write_bytes(gzip.compress(b"".join(struct.pack("<QI", key, sizes[key]) for key in keys)))
    done = run(words[0], str(trace), *words[2:])
    assert done.returncode == 0, done.stderr
    printed = re.search(r"object miss ratio +([0-9.]+)", done.stdout)
    assert printed, done.stdout
    misses = _lru_misses(keys, sizes, capacity_bytes)
    assert len(set(keys)) < misses < len(keys) / 2, "the trace fits, or nothing hits: nothing is shown"
    digits = len(printed[1].partition(".")[2])
    assert printed[1] == f"{misses / len(keys):.{digits}f}"


def _lru_misses(keys: list[int], sizes: list[int], capacity_bytes: int) -> int:
    held: OrderedDict[int, int] = OrderedDict()
    held_bytes = misses = 0
    for key in keys:
        if key in held:
            held.move_to_end(key)
            continue
        misses += 1
        while held_bytes + sizes[key] > capacity_bytes:
            held_bytes -= held.popitem(last=False)[1]
        held[key] = sizes[key]
        held_bytes += sizes[key]
    return misses
