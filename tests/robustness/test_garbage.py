"""Noise at each door: random bytes, and valid requests with something broken in them.

Nothing is asserted about the answers, which may be anything or nothing. Afterwards the node must run, serve others,
hold what it held, and not have grown.
"""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from random import Random

import pytest

from harness.resp import encode, text
from harness.servers import Server
from harness.waiting import eventually

SECONDS = 4.0
SEED = 20
GROWTH_BYTES_MAX = 64 << 20
"""What noise may leave resident: freed memory that the allocator keeps. A leak of a request each would be far more."""

RESP = [
    encode(("SET", "noise", "x" * 100)),
    encode(("MSET", "noise", "1", "noise2", "2")),
    encode(("GET", "noise")) * 20,
    encode(("BITFIELD", "noise", "SET", "u8", "#3", "7", "OVERFLOW", "SAT", "INCRBY", "i5", "100", "1")),
    encode(("SETRANGE", "noise", "1000", "x")),
    encode(("RESTORE", "noise", "0", "payload", "REPLACE")),
    encode(("SCAN", "0", "MATCH", "[a-", "COUNT", "10")),
    encode(("CLIENT", "LIST", "ID", "1", "2")),
    encode(("HELLO", "3", "AUTH", "default", "x", "SETNAME", "noise")),
    encode(("LCS", "noise", "noise2", "IDX", "MINMATCHLEN", "2")),
    b'SET noise "a\\x41b" EX 100\r\n',
    b"*3\r\n$3\r\nSET\r\n$5\r\nnoise\r\n$536870912\r\n",
    b"*1048576\r\n$1\r\na\r\n",
]

HTTP = [
    b"GET /cache/noise HTTP/1.1\r\nHost: a\r\n\r\n",
    (
        b"PUT /cache/noise HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 23\r\n\r\n"
        b'{"value":[1,2],"ttl":9}'
    ),
    b"PUT /cache/noise HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"POST /cache/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n"
    b'{"keys":["a","noise"]}'[:20],
    b"POST /cache/bulk HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 41\r\n\r\n"
    b'{"items":[{"key":"noise","value":"x"}   ]}'[:41],
    b"DELETE /cache/prefix/noise HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\nGET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n",
    b"PUT /cache/noise HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n",
    b'GET /cache/bulk?keys=a,b,%ff,%zz HTTP/1.1\r\nHost: a\r\nIf-None-Match: W/"1"\r\nX-TTL: -1\r\n\r\n',
    b"GET / HTTP/1.0\r\n\r\n",
]

PIECES = [
    b"\r\n",
    b"\n",
    b"\r",
    b"*",
    b"$",
    b"-1",
    b"0",
    b"99999999999999999999",
    b"\x00",
    b"\xff" * 7,
    b"{",
    b'"',
    b"%",
    b": ",
    b" ",
]


@pytest.mark.parametrize("door", ["port", "http_port"])
def test_noise_harms_nobody(door: str, serve: Callable[..., Server]) -> None:
    node = serve(first_command_timeout="2s", max_memory="256mb")
    random = Random(SEED)
    print(f"seed {SEED}")
    with node.connect() as bystander:
        # SET of a key that noise can name is not checked; these it cannot.
        held = {f"held:{number}": random.randbytes(random.randint(0, 3000)) for number in range(200)}
        bystander.pipeline([("SET", key, value) for key, value in held.items()])
        _make_noise(node, door, random, seconds=0.5)
        before = node.rss_bytes()
        requests = _make_noise(node, door, random, seconds=SECONDS)
        assert requests > 100
        for key, value in held.items():
            bystander.expect(text(value), "GET", key)
        assert node.is_running(), node.output
        assert "panicked" not in node.output
        grown = node.rss_bytes() - before
        assert grown < GROWTH_BYTES_MAX, f"{grown >> 20} MiB more after {requests} requests"
        eventually(lambda: _clients(node) <= 2, "noisy clients are closed")


def _make_noise(node: Server, door: str, random: Random, seconds: float) -> int:
    """Opens connections, some of them for several requests, until the time is over. How many requests it sent."""
    requests = 0
    models = RESP if door == "port" else HTTP
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.create_connection(("127.0.0.1", getattr(node, door)), timeout=10) as client, suppress(OSError):
            for _ in range(random.randint(1, 5)):
                client.sendall(_noise(random, models))
                requests += 1
            client.setblocking(False)
            client.recv(1 << 16)
    return requests


def _noise(random: Random, models: list[bytes]) -> bytes:
    if random.random() < 0.2:
        return random.randbytes(random.randint(1, 2000))
    data = bytearray(b"".join(random.choices(models, k=random.randint(1, 3))))
    for _ in range(random.randint(0, 4)):
        at = random.randrange(len(data) + 1)
        match random.randrange(5):
            case 0:
                data[at:at] = random.choice(PIECES)
            case 1:
                del data[at : at + random.randint(1, 20)]
            case 2:
                data[at:at] = data[random.randrange(len(data) + 1) :][:100]
            case 3 if at < len(data):
                data[at] ^= 1 << random.randrange(8)
            case _:
                del data[at:]
    # Neither of these is noise: they stop the node, or the bystander, as they should.
    return bytes(data).replace(b"SHUTDOWN", b"").replace(b"KILL", b"").replace(b"PAUSE", b"")


def _clients(node: Server) -> int:
    with node.connect() as connection:
        return len(connection.run("CLIENT", "LIST").data.splitlines())
