"""The session store among the examples, against a node."""

import threading
from collections.abc import Callable
from types import ModuleType

import pytest
import redis

from harness.waiting import eventually


def test_a_session_is_read_until_its_visitor_signs_out(example: ModuleType, client: redis.Redis) -> None:
    store = example.SessionStore(client)
    first, second = store.sign_in("ada", device="laptop"), store.sign_in("ada")
    assert first != second
    assert store.read(first) == example.Session("ada", {"device": "laptop"})
    assert store.read(second) == example.Session("ada", {})
    assert store.sign_out(first)
    assert not store.sign_out(first)
    assert store.read(first) is None
    assert store.read(second) is not None
    assert store.read("made up") is None


def test_reading_moves_the_end_and_the_end_of_all_stays(example: ModuleType, client: redis.Redis) -> None:
    store = example.SessionStore(client, idle_s=1000, lifetime_s=5000)
    session = store.sign_in("ada")
    (key,) = client.keys("session:*")
    client.expire(key, 10)
    before = client.hexpiretime(key, "user")
    store.read(session)
    assert 10 < client.ttl(key) <= 1000
    assert client.hexpiretime(key, "user") == before
    client.hpexpire(key, 1, "user")
    client.hset(key, "cart", "acorns")
    eventually(lambda: store.read(session) is None, "its time is over")
    assert client.keys("*") == []
    session = store.sign_in("ada")
    (key,) = client.keys("session:*")
    client.pexpire(key, 1)
    eventually(lambda: not client.exists(key), "nobody has read it for long")
    assert store.read(session) is None


def test_signing_out_everywhere_ends_all_sessions_of_one_user(example: ModuleType, client: redis.Redis) -> None:
    store = example.SessionStore(client)
    of_ada = [store.sign_in("ada") for _ in range(50)]
    of_grace = [store.sign_in("grace") for _ in range(50)]
    of_ada += [store.rotate(of_ada.pop()) for _ in range(5)]
    for session in of_ada:
        assert store.put(session, "cart", "acorns")
    store.sign_out_everywhere("ada")
    assert [store.read(session) for session in of_ada] == [None] * 50
    assert all(store.read(session) for session in of_grace)
    assert store.read(store.sign_in("ada")) is not None, "she may come back"


def test_a_new_id_takes_everything_over_from_the_old_one(example: ModuleType, client: redis.Redis) -> None:
    store = example.SessionStore(client)
    old = store.sign_in("ada", device="laptop")
    new = store.rotate(old)
    assert store.read(old) is None
    assert store.read(new) == example.Session("ada", {"device": "laptop"})
    (key,) = client.keys("*")
    assert 0 < client.ttl(key) <= 1800
    assert client.httl(key, "user")[0] > 0
    assert store.rotate(old) is None


def test_values_live_as_long_as_they_are_told(example: ModuleType, client: redis.Redis) -> None:
    store = example.SessionStore(client)
    session = store.sign_in("ada")
    assert store.put(session, "cart", "acorns")
    assert store.put(session, "token", "t", lifetime_s=300)
    assert store.read(session) == example.Session("ada", {"cart": "acorns", "token": "t"})
    (key,) = client.keys("*")
    assert client.httl(key, "cart", "token")[0] == -1
    assert 0 < client.httl(key, "cart", "token")[1] <= 300
    with pytest.raises(ValueError, match="sign in anew"):
        store.put(session, "user", "grace")


def test_a_write_does_not_bring_an_ended_session_back(example: ModuleType, client: redis.Redis) -> None:
    store = example.SessionStore(client)
    for round_ in range(50):
        session = store.sign_in("ada")
        writers = [threading.Thread(target=store.put, args=(session, "cart", str(n))) for n in range(3)]
        for writer in writers:
            writer.start()
        if round_ % 2:
            store.sign_out(session)
        else:
            store.sign_out_everywhere("ada")
        for writer in writers:
            writer.join()
        assert not store.put(session, "cart", "acorns")
        assert client.keys("*") == []


def test_who_reads_the_cache_sees_no_id(example: ModuleType, client: redis.Redis) -> None:
    session = example.SessionStore(client).sign_in("ada")
    (key,) = client.keys("*")
    assert session not in key


def test_it_runs_as_its_docstring_says(run_example: Callable[..., list[str]]) -> None:
    assert run_example() == [
        "laptop: Session(user='ada', data={'device': 'laptop', 'cart': '3 acorns'})",
        "by the old id: None",
        "by the new id: Session(user='ada', data={'device': 'laptop', 'cart': '3 acorns'})",
        "after signing out everywhere: None None",
        "somebody else: Session(user='grace', data={'device': 'terminal'})",
    ]
