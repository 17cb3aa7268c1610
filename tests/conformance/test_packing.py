"""How collections are kept, as OBJECT ENCODING tells it, follows the settings while the server runs, as in Redis.

The tables compare encodings too, but leave differences be: a value of ours says what it is, one of theirs what it was.
Here every word must be the reference's. It is 7.0, whose lists and sets have fewer forms; what it cannot say of them
stands beside the command, as 7.2 says it.
"""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from harness.resp import Connection
from harness.servers import Server
from harness.words import split

SETTINGS = {
    "hash-max-listpack-entries": "4",
    "hash-max-listpack-value": "8",
    "zset-max-listpack-entries": "4",
    "zset-max-listpack-value": "8",
    "set-max-intset-entries": "4",
    "list-max-listpack-size": "4",
}
NEWER = {"set-max-listpack-entries": "4", "set-max-listpack-value": "8"}
"""Settings that the reference does not have yet."""

SEQUENCES = {
    "a hash up to its bounds": """
        HSET k a 1 b 2 c 3 d 4
        HSET k a 5
        HSET k e 5
        HDEL k a b c d
        DEL k
        HSET k a 12345678
        HSET k a 123456789
        DEL k
        HSET k a 1 123456789 2
    """,
    "a hash whose bounds are lowered": """
        HSET k a 1 b 2 c 3
        CONFIG SET hash-max-listpack-entries 2
        HGET k a
        HSETNX k a 2
        HDEL k c
        HSET k a 2
        HSET k c 1
        HDEL k b c
        CONFIG SET hash-max-listpack-entries 4
        HSET k b 2
    """,
    "a hash that is counted up under lowered bounds": """
        HSET k a 1 b 2 c 3
        CONFIG SET hash-max-listpack-entries 2
        HINCRBY k a 1
    """,
    "a hash of long numbers": """
        HSET k a 1
        HINCRBYFLOAT k a 0.5
        HINCRBY k b 99999999
        HINCRBY k b 1
    """,
    "a hash whose bounds are raised": """
        CONFIG SET hash-max-ziplist-entries 1
        HSET k a 1 b 2
        CONFIG SET hash-max-ziplist-entries 9
        HSET k c 3
        COPY k l
        DEL k
        HSET k a 1 b 2
    """,
    "a hash that is never one run": """
        CONFIG SET hash-max-listpack-entries 0
        HSET k a 1
    """,
    "a sorted set up to its bounds": """
        ZADD k 1 a 2 b 3 c 4 d
        ZADD k 5 d
        ZADD k 5 e
        ZPOPMIN k 4
        DEL k
        ZADD k 1 12345678
        ZADD k 1 123456789
        DEL k
        ZADD k 1 123456789
    """,
    "a sorted set whose bounds are lowered": """
        ZADD k 1 a 2 b 3 c
        CONFIG SET zset-max-listpack-entries 2
        ZADD k 5 a
        ZADD k XX 6 z
        ZINCRBY k 1 b
        ZREM k c
        ZADD k 1 c
    """,
    "sorted sets that commands leave": """
        ZADD z 1 a 2 b 3 c 4 d
        ZUNIONSTORE k 1 z
        CONFIG SET zset-max-ziplist-entries 2
        ZUNIONSTORE k 1 z
        ZRANGESTORE k z 0 1
        ZRANGESTORE k z 0 2
        CONFIG SET zset-max-ziplist-entries 3
        ZINTERSTORE k 1 k
        CONFIG SET zset-max-ziplist-value 0
        ZINTERSTORE k 1 k
    """,
    "a set of integers up to its bound": """
        SADD k 1 2 3 4
        SADD k 4
        SADD k 5
        SREM k 1 2 3 4
    """,
    "a set of integers whose bound is lowered": """
        SADD k 1 2 3
        CONFIG SET set-max-intset-entries 2
        SADD k 3
        SREM k 3
        SADD k 3
        DEL k
        SADD k 1 2
        CONFIG SET set-max-intset-entries 4
        SADD k 3 4
    """,
}
"""Commands that both servers get; after each, both are asked how they keep `k`."""

NEWER_SEQUENCES = {
    "a set of words": """
        SADD k a b c d          => listpack
        SADD k a                => listpack
        SADD k e                => hashtable
        SREM k a b c d          => hashtable
        DEL k
        SADD k 12345678 a       => listpack
        SADD k 123456789        => hashtable
        DEL k
        SADD k 1 2 3            => intset
        CONFIG SET set-max-listpack-entries 3
        SADD k a                => hashtable
        DEL k
        CONFIG SET set-max-listpack-entries 9
        SADD k 1 2 3            => intset
        SADD k a                => listpack
        SADD k 4 5              => listpack
        DEL k
        CONFIG SET set-max-intset-entries 0
        SADD k 1                => listpack
        DEL k
        SADD k 123456789 1      => hashtable
    """,
    "a list by its items": """
        RPUSH k a b c d         => listpack
        RPUSH k e               => quicklist
        RPOP k                  => quicklist
        RPOP k                  => quicklist
        RPOP k                  => listpack
        LPUSH k b a             => listpack
        LSET k 0 z              => quicklist
        LTRIM k 0 1             => listpack
        LINSERT k BEFORE b b    => listpack
        CONFIG SET list-max-ziplist-size 2
        LLEN k                  => listpack
        LREM k 1 b              => listpack
        RPUSH k z               => quicklist
        DEL k
        CONFIG SET list-max-listpack-size 0
        RPUSH k a               => listpack
        RPUSH k b               => quicklist
    """,
}
"""Commands that ours gets, and how 7.2 keeps `k` after each."""


@pytest.fixture
def pair(ours: Server, reference: Server) -> Iterator[tuple[Connection, Connection]]:
    """A connection to each, with bounds so low that every one is met; the servers get theirs back afterwards."""
    with ExitStack() as stack:
        yield tuple(_bounded(stack, server) for server in (ours, reference))  # type: ignore[misc]


def _bounded(stack: ExitStack, server: Server) -> Connection:
    client = stack.enter_context(server.connect())
    client.run("FLUSHALL")
    for name, bound in (SETTINGS | NEWER).items():
        found = client.run("CONFIG", "GET", name).members
        if found:
            stack.callback(client.run, "CONFIG", "SET", name, found[1].data)
            client.run("CONFIG", "SET", name, bound)
    return client


@pytest.mark.parametrize("name", SEQUENCES)
def test_encodings_follow_the_settings_as_in_the_reference(name: str, pair: tuple[Connection, Connection]) -> None:
    for line in _lines(SEQUENCES[name]):
        replies = [client.ask(*split(line)) for client in pair]
        assert str(replies[0]) == str(replies[1]), line
        ours, theirs = (client.ask("OBJECT", "ENCODING", "k") for client in pair)
        assert str(ours) == str(theirs), line


@pytest.mark.parametrize("name", NEWER_SEQUENCES)
def test_encodings_that_the_reference_does_not_have_follow_the_settings(
    name: str, pair: tuple[Connection, Connection]
) -> None:
    for line in _lines(NEWER_SEQUENCES[name]):
        command, _, expected = line.partition("=>")
        pair[0].run(*split(command))
        if expected:
            assert pair[0].run("OBJECT", "ENCODING", "k").data.decode() == expected.strip(), line


def _lines(sequence: str) -> list[str]:
    return [line.strip() for line in sequence.strip().splitlines()]
