"""`scrubjay.Cache`: what each operation promises, on a clock that stands still."""

import copy
import math
import pickle
import threading
from datetime import timedelta

import pytest

from scrubjay import Cache, errors
from scrubjay.testing import ManualClock

ROUND_TRIPS = [
    b"",
    b"\x00\xff bytes",
    "",
    "plain",
    "Rübe 🥕",
    "\x00",
    0,
    -1,
    2**63 - 1,
    -(2**63),
    2**63,
    -(10**40),
    "7",
    b"7",
]


@pytest.mark.parametrize("value", ROUND_TRIPS, ids=repr)
def test_a_value_comes_back_as_it_went_in(cache: Cache, value: bytes | str | int) -> None:
    cache.set("key", value)
    found = cache.get("key")
    assert found == value
    assert type(found) is type(value)
    assert cache["key"] == value
    assert cache.get_many(["key"]) == {"key": value}
    assert list(cache.values()) == [value]


@pytest.mark.parametrize("size", [100, 5_000, 70_000, 1_000_000])
def test_values_of_every_storage_class_come_back(cache: Cache, size: int) -> None:
    for value in (b"x" * size, "y" * size):
        cache["key"] = value
        assert cache["key"] == value
        assert cache.pop("key") == value


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        (1.5, "repr"),
        (True, "int(value)"),
        (None, "json.dumps"),
        ([1], "json.dumps"),
        ({"a": 1}, "json.dumps"),
        (bytearray(b"x"), "bytes(value)"),
        (Text("x"), "str(value)"),
    ],
)
def test_other_values_are_refused_with_advice(cache: Cache, value: object, advice: str) -> None:
    with pytest.raises(TypeError, match="bytes, str or int") as refused:
        cache.set("key", value)  # type: ignore[arg-type]
    assert advice in str(refused.value)
    assert "key" not in cache


def test_text_and_bytes_name_the_same_key(cache: Cache) -> None:
    cache.set("ключ", 1)
    assert cache.get("ключ".encode()) == 1
    cache.set(b"\xff", 2)
    assert set(cache) == {"ключ", b"\xff"}


@pytest.mark.parametrize("key", [1, None, 1.5, ("a",)])
def test_other_keys_are_refused(cache: Cache, key: object) -> None:
    for call in (cache.get, cache.delete, cache.exists, cache.ttl, cache.incr, cache.__getitem__):
        with pytest.raises(TypeError, match="a key is str or bytes"):
            call(key)  # type: ignore[operator]


def test_keys_have_a_longest_length(cache: Cache) -> None:
    longest = "k" * 65536
    cache.set(longest, 1)
    assert cache.get(longest) == 1
    with pytest.raises(errors.TooLarge, match="65536"):
        cache.set(longest + "k", 1)
    assert len(cache) == 1


def test_lone_surrogates_are_refused_by_python_itself(cache: Cache) -> None:
    with pytest.raises(UnicodeEncodeError):
        cache.set("\ud800", 1)
    with pytest.raises(UnicodeEncodeError):
        cache.set("key", "\ud800")


def test_a_missing_key_gives_the_default(cache: Cache) -> None:
    marker = object()
    assert cache.get("nothing") is None
    assert cache.get("nothing", marker) is marker
    assert cache.get("nothing", default=marker) is marker
    assert cache.pop("nothing", marker) is marker
    with pytest.raises(KeyError, match="nothing"):
        cache["nothing"]
    with pytest.raises(KeyError):
        del cache["nothing"]


def test_a_lifetime_ends_on_time(cache: Cache, clock: ManualClock) -> None:
    cache.set("short", 1, ttl=0.05)
    cache.set("long", 2, ttl=timedelta(minutes=1))
    cache.set("ever", 3)
    assert cache.ttl("short") == pytest.approx(0.05)
    assert cache.ttl("long") == 60.0
    assert cache.ttl("ever") == math.inf
    assert cache.ttl("nothing") is None
    clock.advance(0.049)
    assert cache.get("short") == 1
    clock.advance(0.001)
    assert cache.get("short") is None
    assert cache.ttl("short") is None
    assert len(cache) == 2
    assert cache.stats().expirations == 1


@pytest.mark.parametrize("ttl", [0, -1, -0.001, math.nan, -math.inf, 1e12])
def test_a_lifetime_outside_its_range_is_refused(cache: Cache, ttl: float) -> None:
    with pytest.raises(errors.InvalidRequest, match="ttl"):
        cache.set("key", 1, ttl)
    assert "key" not in cache


def test_the_default_lifetime_is_for_what_is_written_without_one(clock: ManualClock) -> None:
    cache = Cache(default_ttl=10, clock=clock)
    cache["a"] = 1
    cache.set("b", 1, ttl=20)
    cache.set("c", 1, ttl=math.inf)
    assert [cache.ttl(key) for key in "abc"] == [10, 20, math.inf]
    cache.default_ttl = None
    cache["d"] = 1
    assert cache.ttl("d") == math.inf
    assert cache.default_ttl is None


def test_set_obeys_its_conditions(cache: Cache, clock: ManualClock) -> None:
    assert not cache.set("key", 1, xx=True)
    assert cache.set("key", 2, nx=True, ttl=5)
    assert not cache.set("key", 3, nx=True)
    assert cache.set("key", 4, xx=True, keep_ttl=True)
    assert cache.get("key") == 4
    assert cache.ttl("key") == 5
    assert cache.set("key", 5)
    assert cache.ttl("key") == math.inf
    cache.set("gone", 1, ttl=1)
    clock.advance(1)
    assert cache.set("gone", 2, nx=True)


@pytest.mark.parametrize("options", [{"nx": True, "xx": True}, {"ttl": 1, "keep_ttl": True}])
def test_conditions_that_exclude_each_other_are_refused(cache: Cache, options: dict[str, bool]) -> None:
    with pytest.raises(errors.InvalidRequest, match="exclude each other"):
        cache.set("key", 1, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda cache: cache.get(), "missing required argument 'key'"),
        (lambda cache: cache.get("a", "b", "c"), "at most 2 positional"),
        (lambda cache: cache.get("a", key="a"), "multiple values for argument 'key'"),
        (lambda cache: cache.get("a", other=1), "unexpected keyword argument 'other'"),
        (lambda cache: cache.set("a"), "missing required argument 'value'"),
        (lambda cache: cache.set("a", 1, 2, True), "at most 3 positional"),
        (lambda _: Cache.get({}, "a"), "doesn't apply"),  # type: ignore[call-overload]
    ],
)
def test_wrong_arguments_are_told_apart(cache: Cache, call: object, complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        call(cache)  # type: ignore[operator]


def test_arguments_may_be_named(cache: Cache) -> None:
    assert cache.set(key="a", value="b", ttl=3)
    assert cache.get(key="a") == "b"


def test_deletion_says_what_was_there(cache: Cache) -> None:
    cache.set_many({"a": 1, "b": 2, "c": 3})
    assert cache.delete("a")
    assert not cache.delete("a")
    assert cache.delete_many(["a", "b", b"c", "b"]) == 2
    assert len(cache) == 0


def test_batches_skip_what_is_missing_and_keep_the_keys_objects(cache: Cache) -> None:
    cache.set_many([("a", 1), (b"b", b"2")], ttl=9)
    found = cache.get_many(["a", b"b", "c"])
    assert found == {"a": 1, b"b": b"2"}
    assert cache.ttl("a") == 9
    assert cache.get_many(iter(())) == {}


def test_large_batches_equal_single_calls(cache: Cache) -> None:
    values: dict[str, bytes | str | int] = {f"key:{n}": (n, str(n), b"%d" % n * 2000)[n % 3] for n in range(3000)}
    cache.set_many(values)
    assert len(cache) == 3000
    assert cache.get_many(values) == values
    assert {key: cache[key] for key in values} == values
    assert cache.delete_many(values) == 3000


@pytest.mark.parametrize("batch", ["abc", b"abc"])
def test_a_single_key_is_no_batch(cache: Cache, batch: str | bytes) -> None:
    for call in (cache.get_many, cache.delete_many):
        with pytest.raises(TypeError, match=r"write \[key\]"):
            call(batch)


def test_a_batch_with_a_bad_value_changes_nothing(cache: Cache) -> None:
    with pytest.raises(TypeError):
        cache.set_many({"a": 1, "b": 1.5})  # type: ignore[dict-item]
    assert "a" not in cache


def test_counters_count_and_keep_their_lifetime(cache: Cache) -> None:
    assert cache.incr("n") == 1
    assert cache.incr("n", 41) == 42
    assert cache.decr("n", 2) == 40
    assert cache.get("n") == 40
    cache.expire("n", 10)
    cache.incr("n")
    assert cache.ttl("n") == 10
    cache.set("text", "5")
    assert cache.incr("text") == 6


def test_a_counter_that_is_made_with_a_lifetime_ends_with_it(cache: Cache, clock: ManualClock) -> None:
    assert cache.incr("n", ttl=10) == 1
    clock.advance(6)
    assert cache.incr("n", 5, ttl=10) == 6
    assert cache.ttl("n") == 4
    clock.advance(4)
    assert cache.decr("n", ttl=10) == -1
    assert cache.ttl("n") == 10
    with pytest.raises(errors.InvalidRequest):
        cache.incr("n", ttl=0)
    assert cache.get("n") == -1


@pytest.mark.parametrize("value", ["x", b"1.5", "", 2**63, " 1"])
def test_what_is_no_number_is_not_counted(cache: Cache, value: bytes | str | int) -> None:
    cache.set("key", value)
    with pytest.raises(errors.InvalidRequest, match="not an integer"):
        cache.incr("key")
    assert cache.get("key") == value


@pytest.mark.parametrize(("start", "delta"), [(2**63 - 1, 1), (-(2**63), -1), (1, 2**63 - 1)])
def test_a_counter_does_not_overflow(cache: Cache, start: int, delta: int) -> None:
    cache.set("n", start)
    with pytest.raises(errors.InvalidRequest, match="overflow"):
        cache.incr("n", delta)
    assert cache.get("n") == start


def test_expire_obeys_its_conditions(cache: Cache) -> None:
    assert not cache.expire("nothing", 5)
    cache.set("key", 1)
    assert not cache.expire("key", 5, xx=True)
    assert not cache.expire("key", 5, gt=True)  # it lives for ever, which is longer
    assert cache.expire("key", 5, nx=True)
    assert not cache.expire("key", 9, nx=True)
    assert not cache.expire("key", 9, lt=True)
    assert cache.expire("key", 9, gt=True)
    assert cache.expire("key", 3, lt=True, xx=True)
    assert cache.ttl("key") == 3
    assert cache.expire("key", math.inf)
    assert cache.ttl("key") == math.inf
    with pytest.raises(errors.InvalidRequest):
        cache.expire("key", 1, gt=True, lt=True)


def test_persist_and_touch_say_what_they_found(cache: Cache) -> None:
    cache.set("key", 1, ttl=5)
    assert cache.persist("key")
    assert not cache.persist("key")
    assert not cache.persist("nothing")
    assert cache.touch("key")
    assert cache.touch("key", 7)
    assert cache.ttl("key") == 7
    assert not cache.touch("nothing", 7)


def test_it_is_a_mapping(cache: Cache) -> None:
    assert not cache
    cache["a"] = 1
    cache["b"] = "2"
    assert cache
    assert "a" in cache
    assert "z" not in cache
    assert len(cache) == 2
    assert sorted(cache) == ["a", "b"]
    assert dict(cache) == {"a": 1, "b": "2"}
    assert dict(cache.items()) == {"a": 1, "b": "2"}
    del cache["a"]
    assert "a" not in cache


def test_keys_match_patterns(cache: Cache) -> None:
    cache.set_many({f"user:{n}": n for n in range(20)} | {"other": 1})
    assert sorted(cache.keys("user:1?")) == [f"user:1{n}" for n in range(10)]
    assert list(cache.keys("[no]*")) == ["other"]
    assert sum(1 for _ in cache.values("user:*")) == 20


def test_a_walk_sees_what_is_there_throughout(cache: Cache) -> None:
    stays = {f"stay:{n}" for n in range(5000)}
    cache.set_many(dict.fromkeys(stays, 1))
    seen = set()
    for n, key in enumerate(cache):
        seen.add(key)
        cache.set(f"new:{n}", n)
        cache.delete(f"new:{n - 10}")
        if n > 20_000:
            break
    assert stays <= seen


def test_the_memory_limit_holds_and_evicts() -> None:
    cache = Cache(max_memory="4mb")
    for n in range(20_000):
        cache.set(f"key:{n}", b"x" * 1000)
    stats = cache.stats()
    assert stats.max_memory_bytes == 4 << 20
    assert stats.memory_bytes <= 4 << 20
    assert stats.evictions > 10_000
    assert 3000 < stats.entries < 4100
    assert len(cache) < 4100


def test_without_eviction_a_full_cache_refuses_and_changes_nothing() -> None:
    cache = Cache(max_memory="2mb", policy="noeviction")
    fill = ((f"key:{n}", b"x" * 1000) for n in range(10_000))
    with pytest.raises(errors.OutOfMemory, match="nothing was changed") as refused:
        cache.set_many(fill)
    assert refused.value.is_retryable
    before = len(cache)
    with pytest.raises(MemoryError):
        cache.set("another", b"x" * 100_000)
    assert len(cache) == before
    assert cache.get("key:0") == b"x" * 1000


def test_the_entry_limit_holds() -> None:
    cache = Cache(max_entries=100)
    for n in range(1000):
        cache[f"key:{n}"] = n
    assert len(cache) <= 100
    assert cache.max_entries == 100


def test_limits_change_while_it_runs() -> None:
    cache = Cache(max_memory="64mb", policy="lru")
    assert cache.policy == "allkeys-lru"
    cache.policy = "volatile-ttl"
    cache.max_memory = "1gb"
    assert (cache.policy, cache.max_memory) == ("volatile-ttl", 1 << 30)
    cache.max_memory = 0
    assert cache.stats().max_memory_bytes == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"max_memory": "12q"}, "'12q'"),
        ({"max_memory": "80%"}, "'256mb'"),
        ({"max_memory": 1.5}, "number of bytes"),
        ({"policy": "best"}, "allkeys-s3fifo"),
    ],
)
def test_bad_limits_are_refused_by_name(arguments: dict[str, object], complaint: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=next(iter(arguments))) as refused:
        Cache(**arguments)  # type: ignore[arg-type]
    assert complaint in str(refused.value)


def test_statistics_count_reads_alone(cache: Cache) -> None:
    cache.set("a", "value")
    cache.get("a")
    cache.get("b")
    cache.get("b")
    stats = cache.stats()
    assert (stats.hits, stats.misses, stats.entries) == (1, 2, 1)
    assert stats.hit_rate == pytest.approx(1 / 3)
    assert stats.payload_bytes == len("a") + len("value")
    assert "hit_rate=0.333" in repr(stats)


def test_a_closed_cache_says_so() -> None:
    with Cache() as cache:
        cache["a"] = 1
    cache.close()
    assert "closed" in repr(cache)
    for call in (lambda: cache.get("a"), lambda: cache.set("a", 1), lambda: len(cache), lambda: list(cache)):
        with pytest.raises(errors.CacheClosed, match="make a new one"):
            call()


def test_pickling_and_copying_are_refused_with_advice(cache: Cache) -> None:
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="scrubjay serve"):
            attempt(cache)


def test_the_representation_says_how_full_it_is(cache: Cache) -> None:
    cache["a"] = 1
    assert repr(cache).startswith("<scrubjay.Cache: 1 entries, ")
    assert "of 256.00M" in repr(cache)


def test_expiry_needs_no_access() -> None:
    cache = Cache()
    cache.set_many({f"key:{n}": n for n in range(100)}, ttl=0.001)
    deadline = threading.Event()
    for _ in range(1000):
        if cache.stats().entries == 0:
            break
        deadline.wait(0.02)  # the background thread's doing is the event, and counters are how it shows
    assert cache.stats().entries == 0
    assert cache.stats().expirations == 100


def test_threads_count_together() -> None:
    cache = Cache()
    threads = [threading.Thread(target=lambda: [cache.incr(f"n:{n % 7}") for n in range(7000)]) for _ in range(4)]
    batches = threading.Thread(target=lambda: [cache.get_many([f"n:{n}" for n in range(64)]) for _ in range(300)])
    for thread in (*threads, batches):
        thread.start()
    for thread in (*threads, batches):
        thread.join()
    assert [cache.get(f"n:{n}") for n in range(7)] == [4000] * 7
