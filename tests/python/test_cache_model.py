"""`scrubjay.Cache` beside a dict with deadlines, under random operations and a clock moved by hand."""

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from scrubjay import Cache, errors
from scrubjay.testing import ManualClock

Value = bytes | str | int

KEYS = st.sampled_from(["a", "b", "c", "{tag}d", "ключ", "k" * 300])
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.binary(max_size=40),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.integers(-(2**70), 2**70),
    st.builds(lambda size: b"x" * size, st.sampled_from([127, 4096, 70_000])),
)
TTLS = st.one_of(st.none(), st.just(math.inf), st.integers(1, 100), st.integers(1, 5000).map(lambda ms: ms / 1000))


class Model(RuleBasedStateMachine):
    """A dict of key to (value, deadline in milliseconds or infinity)."""

    @initialize(default_ttl=st.one_of(st.none(), st.integers(1, 50)))
    def begin(self, default_ttl: int | None) -> None:
        self.clock = ManualClock()
        self.cache = Cache(max_memory=0, default_ttl=default_ttl, clock=self.clock)
        self.default_ttl = default_ttl
        self.held: dict[str, tuple[Value, float]] = {}

    @property
    def now_ms(self) -> int:
        return round(self.clock.now * 1000)

    def deadline(self, ttl: float | None) -> float:
        seconds = ttl if ttl is not None else self.default_ttl if self.default_ttl is not None else math.inf
        return seconds if seconds == math.inf else self.now_ms + math.ceil(seconds * 1000)

    def sweep(self) -> None:
        self.held = {key: held for key, held in self.held.items() if held[1] > self.now_ms}

    @rule(seconds=st.one_of(st.integers(0, 60), st.integers(1, 3000).map(lambda ms: ms / 1000)))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.sweep()

    @rule(key=KEYS, value=VALUES, ttl=TTLS, when=st.sampled_from(["always", "nx", "xx"]), keep=st.booleans())
    def set(self, key: str, value: Value, ttl: float | None, when: str, keep: bool) -> None:
        present = key in self.held
        happens = when == "always" or present == (when == "xx")
        deadline = self.held[key][1] if keep and present else self.deadline(None if keep else ttl)
        options = {"nx": when == "nx", "xx": when == "xx", "keep_ttl": keep}
        assert self.cache.set(key, value, None if keep else ttl, **options) == happens
        if happens:
            self.held[key] = (value, deadline)

    @rule(items=st.dictionaries(KEYS, VALUES, max_size=40), ttl=TTLS)
    def set_many(self, items: dict[str, Value], ttl: float | None) -> None:
        self.cache.set_many(items, ttl)
        self.held |= {key: (value, self.deadline(ttl)) for key, value in items.items()}

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        expected = self.held[key][0] if key in self.held else None
        found = self.cache.get(key)
        assert found == expected
        assert type(found) is type(expected)
        assert (key in self.cache) == (key in self.held)

    @rule(keys=st.lists(KEYS, max_size=40))
    def get_many(self, keys: list[str]) -> None:
        assert self.cache.get_many(keys) == {key: self.held[key][0] for key in keys if key in self.held}

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        assert self.cache.delete(key) == (self.held.pop(key, None) is not None)

    @rule(keys=st.lists(KEYS, max_size=20, unique=True))
    def delete_many(self, keys: list[str]) -> None:
        assert self.cache.delete_many(keys) == sum(self.held.pop(key, None) is not None for key in keys)

    @rule(key=KEYS)
    def pop(self, key: str) -> None:
        assert self.cache.pop(key, "none") == self.held.pop(key, ("none", 0))[0]

    @rule(key=KEYS, delta=st.integers(-(2**63), 2**63 - 1))
    def incr(self, key: str, delta: int) -> None:
        value, deadline = self.held.get(key, (0, self.deadline(None)))
        text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        is_number = text.removeprefix("-").isascii() and text.removeprefix("-").isdecimal() and str(int(text)) == text
        total = int(text) + delta if is_number else 0
        if is_number and -(2**63) <= int(text) < 2**63 and -(2**63) <= total < 2**63:
            assert self.cache.incr(key, delta) == total
            self.held[key] = (total, deadline)
        else:
            with pytest.raises(errors.InvalidRequest):
                self.cache.incr(key, delta)

    @rule(key=KEYS, ttl=TTLS.filter(lambda ttl: ttl is not None), only=st.sampled_from(["", "nx", "xx", "gt", "lt"]))
    def expire(self, key: str, ttl: float, only: str) -> None:
        old = self.held[key][1] if key in self.held else None
        new = self.deadline(ttl)
        happens = (
            old is not None
            and {
                "": True,
                "nx": old == math.inf,
                "xx": old < math.inf,
                "gt": new > old,
                "lt": new < old,
            }[only]
        )
        assert self.cache.expire(key, ttl, **({only: True} if only else {})) == happens
        if happens:
            self.held[key] = (self.held[key][0], new)

    @rule(key=KEYS)
    def persist(self, key: str) -> None:
        had_one = key in self.held and self.held[key][1] < math.inf
        assert self.cache.persist(key) == had_one
        if had_one:
            self.held[key] = (self.held[key][0], math.inf)

    @rule(key=KEYS, ttl=TTLS)
    def touch(self, key: str, ttl: float | None) -> None:
        assert self.cache.touch(key, ttl) == (key in self.held)
        if key in self.held and ttl is not None:
            self.held[key] = (self.held[key][0], self.deadline(ttl))

    @rule(key=KEYS)
    def ttl(self, key: str) -> None:
        expected = (self.held[key][1] - self.now_ms) / 1000 if key in self.held else None
        assert self.cache.ttl(key) == (expected if expected is None else pytest.approx(expected))

    @rule()
    def clear(self) -> None:
        self.cache.clear()
        self.held.clear()

    @invariant()
    def holds_the_same(self) -> None:
        if not hasattr(self, "cache"):
            return
        assert len(self.cache) == len(self.held)
        assert dict(self.cache.items()) == {key: value for key, (value, _) in self.held.items()}


Model.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestCacheIsADictWithDeadlines = Model.TestCase
