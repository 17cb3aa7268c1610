"""Keyspace events: the same script on both servers, and the same events, in the same order."""

from collections import defaultdict
from itertools import pairwise

import pytest

from conformance.listening import END, Heard, heard_until_end, run_script, say_end
from harness.resp import Connection
from harness.servers import Server

SCRIPTS = {
    "strings": """
        SET a 1 | SET a 2 EX 100 | SET a 3 KEEPTTL | SET a 4 NX | SET b 1 PX 100000 NX | SETNX c 1 | SETNX c 2
        SETEX a 100 v | PSETEX a 100000 v | GETSET a w | MSET a 1 b 2 | MSETNX n 1 m 2 | MSETNX n 1 o 2
        INCR i | DECR i | INCRBY i 5 | DECRBY i 5 | INCRBYFLOAT i 1.5 | APPEND a x | APPEND fresh x
        SETRANGE a 2 zz | SETRANGE absent 0 "" | GETDEL a | GETEX b EX 100 | GETEX b PERSIST | GETEX b
        GET b | STRLEN b | INCR b | INCR word | SET word x | INCR word
    """,
    "bits": """
        SETBIT a 7 1 | BITFIELD a SET u8 0 200 | BITFIELD a GET u8 0 | BITOP AND dst a a | BITOP AND dst x y
        BITOP AND gone x y | BITCOUNT a | BITFIELD_RO a GET u8 0
    """,
    "keys": """
        SET a 1 | EXPIRE a 100 | EXPIRE a 100 NX | PERSIST a | PERSIST a | PEXPIRE a 100000 | EXPIREAT a 4000000000
        PEXPIREAT a 4000000000000 | EXPIRE none 5 | RENAME a b | RENAMENX b c | SET d 1 | RENAMENX c d | RENAME c c
        COPY c e | COPY c e | COPY c e REPLACE | MOVE e 3 | DEL c none | UNLINK d | SET x 1 | EXPIRE x -1 | SET y 1
        PEXPIREAT y 1 | SET z 1 | GETEX z PXAT 1 | TOUCH z | TYPE z | SET f 1 | FLUSHDB | SET f 1 | FLUSHALL
    """,
    "lists": """
        RPUSH l a b c d e | LPUSH l z | LPUSHX l y | RPUSHX l y | LPUSHX none y | LINSERT l BEFORE a q
        LINSERT l BEFORE none q | LSET l 0 k | LREM l 0 a | LREM l 0 none | LTRIM l 0 2 | LPOP l | RPOP l
        LPOP l 5 | RPUSH l a b | LMOVE l m LEFT RIGHT | RPOPLPUSH l m | LMOVE m m RIGHT LEFT | LMPOP 2 none m LEFT
        LMPOP 1 m RIGHT COUNT 5 | RPUSH l a | LTRIM l 5 6 | RPUSH l a | LREM l 1 a | RPUSH l a | BLPOP l 1
        RPUSH l a b | BRPOP l 1 | BLMOVE l m LEFT LEFT 1 | BLMPOP 1 1 m RIGHT | RPUSH l 1 | SET l s | LPOP none
    """,
    "sets": """
        SADD s a b c d | SADD s a | SREM s a none | SPOP s | SPOP s 5 | SADD s a b
        SADD u b c | SINTERSTORE x s u | SUNIONSTORE x s u | SDIFFSTORE x s s | SINTERSTORE x none s | SREM u b c
        SMEMBERS s | SPOP none | SISMEMBER none a
    """,
    "hashes": """
        HSET h a 1 b 2 | HSET h a 2 | HSETNX h a 1 | HSETNX h c 1 | HMSET h d 1 | HINCRBY h a 5 | HINCRBYFLOAT h a 1.5
        HDEL h a none | HDEL h b c d | HDEL none a | HGET h a | HGETALL none | HSTRLEN none a | HSET h a 1 | DEL h
    """,
    "sorted_sets": """
        ZADD z 1 a 2 b 3 c | ZADD z INCR 1 a | ZADD z NX 1 a | ZINCRBY z 1 a | ZREM z a none | ZPOPMIN z | ZPOPMAX z 5
        ZADD z 1 a 2 b 3 c | ZRANGESTORE y z 0 -1 | ZUNIONSTORE u 2 z y | ZINTERSTORE i 2 z none | ZDIFFSTORE u 2 z z
        ZREMRANGEBYRANK z 0 0 | ZREMRANGEBYSCORE y 0 9 | ZREMRANGEBYLEX z - + | ZADD z 1 a 2 b | ZMPOP 1 z MAX
        BZPOPMIN z 1 | ZADD z 1 a | BZMPOP 1 1 z MIN | ZADD z 1 a 2 b | BZPOPMAX z 1 | ZSCORE none a
    """,
    "transactions": """
        MULTI | SET a 1 | INCR a | RPUSH l x | LPOP l | DEL a | EXEC
    """,
}


def listen(server: Server, classes: str, script: str) -> list[Heard]:
    with server.connect() as connection, server.connect() as listener:
        connection.run("FLUSHALL")
        connection.run("CONFIG", "SET", "notify-keyspace-events", classes)
        try:
            listener.run("PSUBSCRIBE", "__key*__:*")
            listener.run("SUBSCRIBE", END)
            run_script(connection, lines(script))
            say_end(connection)
            return [words[2:] for words in heard_until_end(listener)]
        finally:
            connection.run("CONFIG", "SET", "notify-keyspace-events", "")


def lines(script: str) -> list[list[str]]:
    commands = [command.split() for line in script.splitlines() for command in line.split("|")]
    return [[word.strip('"') for word in words] for words in commands if words]


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_command_says_the_events_of_the_reference_in_its_order(
    name: str, ours: Server, reference: Server
) -> None:
    mine, theirs = (listen(server, "KEA", SCRIPTS[name]) for server in (ours, reference))
    assert len(theirs) > 5
    assert mine == theirs, difference(mine, theirs)


@pytest.mark.parametrize("name", SCRIPTS)
def test_new_keys_and_misses_are_said_where_they_are_asked_for(name: str, ours: Server, reference: Server) -> None:
    # The reference says that a key is new before it says what the command did to other keys: so key by key.
    mine, theirs = (by_key(listen(server, "KAnm", SCRIPTS[name])) for server in (ours, reference))
    assert mine == theirs


def test_a_member_that_moves_is_said_for_both_keys(ours: Server, reference: Server) -> None:
    # What can be refused is done first here: the member joins the one set before it leaves the other.
    script = "SADD s a b c | SMOVE s t b | SMOVE s t none | SMOVE s t a | SMOVE s t c | SMOVE t t a"
    mine, theirs = (by_key(listen(server, "KA", script)) for server in (ours, reference))
    assert mine == theirs


def by_key(heard: list[Heard]) -> dict[bytes | None, list[bytes | None]]:
    events = defaultdict(list)
    for channel, event in heard:
        events[channel].append(event)
    return events


def difference(mine: list[Heard], theirs: list[Heard]) -> str:
    pairs = zip([*mine, None], [*theirs, None], strict=False)
    at = next((at for at, (one, other) in enumerate(pairs) if one != other), 0)
    return f"event {at}: {mine[max(at - 2, 0) : at + 3]}, there {theirs[max(at - 2, 0) : at + 3]}"


@pytest.mark.parametrize("classes", ["K$", "Eg", "Klx", "KEg$", "K", "A", "Em"])
def test_only_the_classes_that_are_on_are_said(classes: str, ours: Server, reference: Server) -> None:
    script = "SET a 1 EX 100 | DEL a | RPUSH l a | LPOP l | GET none"
    mine, theirs = (listen(server, classes, script) for server in (ours, reference))
    assert mine == theirs


def test_expired_keys_are_said_promptly_whoever_looks(ours: Server) -> None:
    with ours.connect() as connection, ours.connect(3) as listener:
        connection.run("FLUSHALL")
        connection.run("CONFIG", "SET", "notify-keyspace-events", "Ex")
        try:
            listener.run("SUBSCRIBE", "__keyevent@0__:expired")
            late_ms = []
            for number in range(20):
                deadline_ms = _now_ms(connection) + 30 + number
                connection.run("SET", f"k{number}", "v", "PXAT", deadline_ms)
                assert listener.read().members[2].data == f"k{number}".encode()
                late_ms.append(_now_ms(connection) - deadline_ms)
        finally:
            connection.run("CONFIG", "SET", "notify-keyspace-events", "")
    assert all(late >= 0 for late in late_ms), "nothing expires early"


def _now_ms(connection: Connection) -> int:
    seconds, micros = (int(part.data) for part in connection.run("TIME").members)
    return seconds * 1000 + micros // 1000


def test_evicted_keys_are_said(ours: Server) -> None:
    with ours.connect() as connection, ours.connect() as listener:
        connection.run("FLUSHALL")
        connection.run("CONFIG", "SET", "notify-keyspace-events", "Ee", "max-entries", 10)
        try:
            listener.run("SUBSCRIBE", "__keyevent@0__:evicted")
            for number in range(100):
                connection.run("SET", f"k{number}", "v")
            gone = {listener.read().members[2].data for _ in range(50)}
        finally:
            connection.run("CONFIG", "SET", "notify-keyspace-events", "", "max-entries", 0)
    assert len(gone) > 10


def test_databases_that_change_places_keep_their_numbers(ours: Server, reference: Server) -> None:
    script = "SET a 1 | SWAPDB 0 5 | SET b 1 | SELECT 5 | SET c 1 | APPEND a x | SELECT 0 | SWAPDB 0 5 | SET d 1"
    mine, theirs = (listen(server, "KA", script) for server in (ours, reference))
    assert mine == theirs


def test_nobody_pays_for_events_that_are_off(ours: Server) -> None:
    assert listen(ours, "", "SET a 1 | DEL a") == []


def test_events_of_a_key_come_in_the_order_of_its_changes(ours: Server) -> None:
    with ours.connect() as connection, ours.connect() as listener:
        connection.run("FLUSHALL")
        connection.run("CONFIG", "SET", "notify-keyspace-events", "K$g")
        writers = [ours.connect() for _ in range(4)]
        try:
            listener.run("SUBSCRIBE", "__keyspace@0__:k")
            listener.run("SUBSCRIBE", END)
            for writer in writers:
                writer.sendall(b"".join(b"SETNX k v\r\nDEL k\r\n" for _ in range(500)))
            for writer in writers:
                for _ in range(1000):
                    writer.read()
            say_end(connection)
            events = [words[2] for words in heard_until_end(listener)]
        finally:
            connection.run("CONFIG", "SET", "notify-keyspace-events", "")
            for writer in writers:
                writer.close()
    assert events
    assert all(one != other for one, other in pairwise(events)), "set and del take turns"
