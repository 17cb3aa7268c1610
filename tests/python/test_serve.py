"""`scrubjay serve`: how a node starts, what it says, how it stops, and every way in which it cannot start."""

import re
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import DEADLINE_S, Process, free_port, run, taken_port

from scrubjay import __version__
from scrubjay.cli import node as node_process
from scrubjay.cli import start as start_process
from scrubjay.cli.resp import Connection
from scrubjay.errors import ConnectionLost

Node = Callable[..., tuple[Process, int]]


def one_sentence(text: str) -> bool:
    """One line that ends in no traceback."""
    return text.startswith("scrubjay: ") and text.count("\n") == 1 and "Traceback" not in text


def test_a_node_says_what_listens_where_and_what_to_try(node: Node) -> None:
    process, port = node("--max-memory", "64mb", "--policy", "lru", "--threads", "1", "--default-ttl", "90s")
    for text in (
        f"scrubjay {__version__} is ready",
        f"127.0.0.1:{port}",
        "at most 64 MiB; policy allkeys-lru",
        "90 s unless told",
        f"redis-cli -p {port} set",
        f"scrubjay cli -p {port} get",
    ):
        assert text in process.output
    assert "\x1b[" not in process.output
    assert "not there yet" not in process.output


def test_doors_that_this_version_lacks_are_named_and_the_node_goes_on(node: Node) -> None:
    process, port = node("--memcached-port", str(free_port()), "--grpc-port", "0")
    assert "memcached not there yet" in process.output
    assert "grpc" not in process.output
    with Connection("127.0.0.1", port) as connection:
        assert connection.call([b"PING"]) == "PONG"


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_a_node_with_exit_code_0(node: Node, stop: signal.Signals) -> None:
    process, port = node()
    with Connection("127.0.0.1", port) as connection:
        assert connection.call([b"PING"]) == "PONG"
        assert process.stop(stop) == 0
        with pytest.raises(ConnectionLost, match="closed the connection"):
            connection.call([b"PING"])
    with pytest.raises(ConnectionLost, match="is a node running there"):
        Connection("127.0.0.1", port)


def test_what_was_read_is_answered_before_a_node_stops(node: Node) -> None:
    process, port = node()
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as client:
        client.sendall(b"PING\r\n" * 1000)
        answers = b""
        while len(answers) < len(b"+PONG\r\n"):
            answers += client.recv(65536)
        process.popen.send_signal(signal.SIGTERM)
        while more := client.recv(65536):
            answers += more
    assert answers == b"+PONG\r\n" * 1000
    assert process.popen.wait(DEADLINE_S) == 0


def test_a_node_carries_no_module_of_the_command_line(node: Node) -> None:
    process, _ = node()
    mapped = Path(f"/proc/{process.popen.pid}/maps").read_text(encoding="utf-8")
    assert "_core" in mapped
    assert "pydantic" not in mapped
    assert Path(f"/proc/{process.popen.pid}/comm").read_text(encoding="utf-8") == "scrubjay\n"
    resident_kb = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.popen.pid}/status").read_text(encoding="utf-8"))
    assert resident_kb is not None
    assert int(resident_kb[1]) < 60 * 1024


def test_a_password_does_not_stay_visible_in_the_process_list(node: Node) -> None:
    process, _ = node("--requirepass", "swordfish")
    assert b"swordfish" not in Path(f"/proc/{process.popen.pid}/cmdline").read_bytes()


def test_flags_win_over_the_environment_and_that_over_the_file(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "jay.toml"
    file.write_text('policy = "lfu"\nmax-memory = "32mb"\nthreads = 1\n')
    process, _ = node("--config", str(file), "--max-memory", "48mb", SCRUBJAY_POLICY="fifo", SCRUBJAY_MAX_MEMORY="40mb")
    assert "at most 48 MiB; policy allkeys-fifo" in process.output


BAD_STARTS = [
    (["--max-memory", "12q"], {}, "max-memory: '12q'"),
    (["--default-ttl", "soon"], {}, "default-ttl: 'soon'"),
    (["--port", "70000"], {}, "port: 70000"),
    (["--policy", "best"], {}, "policy: 'best'"),
    (["--threads", "-1"], {}, "threads"),
    (["--bind", "::"], {}, "--insecure"),
    (["--bind", "example.org"], {}, "bind: 'example.org'"),
    (["--bind", "203.0.113.1", "--insecure"], {}, "bind 203.0.113.1"),
    (["--max-memroy", "1gb"], {}, "--max-memory"),
    (["--port"], {}, "--port"),
    (["extra"], {}, "extra"),
    ([], {"SCRUBJAY_MAX_MEMORY": "lots"}, "SCRUBJAY_MAX_MEMORY"),
    ([], {"SCRUBJAY_MAX_MEMROY": "1gb"}, "SCRUBJAY_MAX_MEMORY"),
    (["--config", "/nonexistent/jay.toml"], {}, "/nonexistent/jay.toml"),
    (["--data-dir", "/dev/null/below"], {}, "data-dir: cannot write"),
    (["--port", "0", "--http-port", "0", "--memcached-port", "0", "--grpc-port", "0"], {}, "every door is closed"),
]


@pytest.mark.parametrize(("flags", "variables", "part"), BAD_STARTS, ids=[case[2] for case in BAD_STARTS])
def test_a_bad_start_is_one_sentence_and_exit_code_2(flags: list[str], variables: dict[str, str], part: str) -> None:
    doors = [] if "--port" in flags else ["--port", str(free_port()), "--http-port", "0"]
    ended = run("serve", *doors, *flags, **variables)
    assert one_sentence(ended.stderr), ended.stderr
    assert part in ended.stderr
    assert ended.returncode == 2
    assert not ended.stdout


@pytest.mark.parametrize("door", ["port", "http-port"])
def test_a_taken_port_is_named_with_the_way_out(door: str) -> None:
    other = "http-port" if door == "port" else "port"
    with taken_port() as port:
        ended = run("serve", f"--{door}", str(port), f"--{other}", "0")
    assert one_sentence(ended.stderr), ended.stderr
    assert re.search(rf"{door} {port} is taken.*choose another", ended.stderr)
    assert ended.returncode == 2


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("port = 1\nport 2\n", "line 2"),
        ("max-memroy = 1\n", "max-memory"),
        ("[server]\nport = 1\n", "without [server]"),
    ],
)
def test_a_bad_file_is_named_with_the_place(tmp_path: Path, text: str, part: str) -> None:
    file = tmp_path / "jay.toml"
    file.write_text(text)
    ended = run("serve", "--config", str(file), "--port", str(free_port()))
    assert one_sentence(ended.stderr), ended.stderr
    assert part in ended.stderr
    assert str(file) in ended.stderr
    assert ended.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "flags"),
    [
        ([], {}),
        (["--port", "1", "--max-memory=1gb"], {"port": "1", "max-memory": "1gb"}),
        (["--insecure", "--slowlog-log-slower-than", "-1"], {"insecure": "true", "slowlog-log-slower-than": "-1"}),
        (["--no-insecure"], {"insecure": "false"}),
        (["--help"], None),
        (["--port"], None),
        (["--port", "--insecure"], None),
        (["--insecure=yes"], None),
        (["--no-port"], None),
        (["1"], None),
        (["-p", "1"], None),
    ],
)
def test_plain_flags_are_read_and_the_rest_is_left_to_typer(arguments: list[str], flags: dict[str, str] | None) -> None:
    assert start_process.read(arguments) == flags


def test_flags_travel_whole() -> None:
    flags = {"requirepass": "two words\n=", "config": "\udcff"}
    assert dict(node_process.unpack(node_process.pack(flags))) == flags
    assert node_process.unpack(b"") == []


def test_examples_fit_the_doors_that_are_open() -> None:
    def examples(**doors: str) -> str:
        return "\n".join(node_process.examples({name: node_process.reachable(at) for name, at in doors.items()}))

    assert "curl http://127.0.0.1:8080/cache/greeting" in examples(redis="127.0.0.1:6379", http="0.0.0.0:8080")
    assert "curl -X PUT http://[::1]:8080/cache/greeting" in examples(http="[::]:8080")
    assert "redis-cli -h 10.0.0.7 -p 6379" in examples(redis="10.0.0.7:6379")


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1000, "1000 B"), (64 << 20, "64 MiB"), (3 << 29, "1.5 GiB"), (5 << 40, "5 TiB")]
)
def test_sizes_read_well(size: int, text: str) -> None:
    assert node_process.human(size) == text
