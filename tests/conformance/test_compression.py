"""A node that compresses its values answers as one that does not: random sequences beside the reference server.

The values of the generators are short or noise. Here they are repeated until compressing them pays, so that nearly
every string is kept compressed until a command writes a part of it.
"""

from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from conformance.differ import Pair
from conformance.generate import Command, generate
from harness.resp import Connection
from harness.servers import Server, start_ours

SEQUENCES = 40
LENGTH = 100
REPEATED = 60

VALUES = {b"SET": 2, b"GETSET": 2, b"SETNX": 2, b"SETEX": 3, b"PSETEX": 3, b"APPEND": 2, b"MSET": 2, b"MSETNX": 2}
"""Where a command has its value, or the first of several, of which every second argument is one."""


@pytest.fixture(params=["lz4", "zstd"])
def compressing(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A node that compresses every value of 64 bytes and more."""
    with start_ours(compression=request.param, compression_threshold=64) as server:
        yield server


@pytest.mark.timeout(0)
@pytest.mark.parametrize("family", ["strings", "bitmaps", "counters", "keys"])
def test_random_sequence_with_compression_gets_the_replies_of_the_reference(
    family: str, compressing: Server, reference: Server
) -> None:
    pair, most = Pair(compressing, reference, protocol=3), 0
    for seed in range(1, SEQUENCES + 1):
        commands = [_lengthened(command) for command in generate(family, seed, LENGTH)]
        difference = pair.compare(commands, chunks=seed)
        assert difference is None, f"seed {seed} of {family}: {difference}"
        with compressing.connect() as client:
            most = max(most, _compressed(client))
    assert most > 0 or family == "counters", "nothing was worth compressing"


def test_every_door_gives_a_compressed_value_back(compressing: Server) -> None:
    value = b"an acorn under the oak; " * 5000
    with compressing.connect() as client:
        client.run("SET", "k", value, "EX", "100")
        client.run("CONFIG", "SET", "compression", "none")
        assert _compressed(client) == 1
        assert client.run("GET", "k").data == value
        assert client.run("STRLEN", "k").number == len(value)
        assert client.run("GETRANGE", "k", "-6", "-1").data == value[-6:]
        assert [reply.data for reply in client.run("MGET", "k", "k").members] == [value, value]
        client.run("RENAME", "k", "l")
        client.run("COPY", "l", "k")
        assert _compressed(client) == 2
        assert client.run("MEMORY", "USAGE", "k").number < len(value) / 10
        http = HTTPConnection("127.0.0.1", compressing.http_port)
        http.request("GET", "/cache/k", headers={"Accept": "application/octet-stream"})
        assert http.getresponse().read() == value
        http.close()
        client.run("RESTORE", "plain", "0", client.run("DUMP", "k").data)
        assert client.run("GET", "plain").data == value
        assert client.run("APPEND", "l", "!").number == len(value) + 1
        assert client.run("GET", "l").data == value + b"!"
        assert _compressed(client) == 1
        client.run("DEL", "k")
        assert _compressed(client) == 0


def _compressed(client: Connection) -> int:
    """How many values the node keeps compressed."""
    lines = client.run("INFO", "compression").data.decode().splitlines()
    return int(dict(line.split(":") for line in lines if ":" in line)["compressed_values"])


def _lengthened(command: Command) -> Command:
    """The same with values that are worth compressing."""
    first = VALUES.get(command[0].upper())
    if first is None:
        return command
    step = 2 if command[0].upper().startswith(b"MSET") else len(command)
    places = range(first, len(command), step)
    return tuple(word * REPEATED if at in places and 3 < len(word) < 300 else word for at, word in enumerate(command))
