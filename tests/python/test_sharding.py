"""`HashRing` and `Rendezvous`: which of several independent servers holds a key."""

import copy
import pickle
from collections.abc import Callable, Iterator

import pytest

import scrubjay
from scrubjay import HashRing, Rendezvous, errors

Sharder = HashRing | Rendezvous
KINDS = pytest.mark.parametrize("kind", [HashRing, Rendezvous])
KEYS = [f"user:{number}" for number in range(5000)]


@KINDS
def test_a_key_has_the_same_node_whatever_the_order_of_the_nodes(kind: Callable[..., Sharder]) -> None:
    nodes = {"a": 1, "b": 2, "c": 0.5, "d": 1}
    one, other = kind(nodes), kind(dict(reversed(nodes.items())))
    assert [one.get(key) for key in KEYS] == [other.get(key) for key in KEYS]


def test_placement_is_the_same_in_every_version() -> None:
    names = [f"node-{number}" for number in range(5)]
    keys = ["a", "user:1", "user:2", "", "long key with spaces"]
    ring, bids = HashRing(names), Rendezvous([f"n{number}" for number in range(5)])
    assert [ring.get(key) for key in keys] == ["node-0", "node-2", "node-1", "node-3", "node-1"]
    assert [bids.get(key) for key in [*keys[:4], "long key"]] == ["n1", "n0", "n3", "n2", "n0"]


@KINDS
def test_text_and_its_bytes_are_the_same_key(kind: Callable[..., Sharder]) -> None:
    nodes = kind(["a", "b", "c"])
    assert all(nodes.get(key) == nodes.get(key.encode()) for key in KEYS)
    assert nodes.get("ключ") == nodes.get("ключ".encode())


@KINDS
def test_shares_follow_the_weights(kind: Callable[..., Sharder]) -> None:
    counts = kind({"light": 1, "heavy": 3}).distribution(40_000)
    assert sum(counts.values()) == 40_000
    assert counts["heavy"] / counts["light"] == pytest.approx(3, rel=0.25 if kind is HashRing else 0.05)


@KINDS
def test_a_node_that_joins_takes_its_share_and_nothing_else_moves(kind: Callable[..., Sharder]) -> None:
    nodes = kind([f"n{number}" for number in range(9)])
    before = {key: nodes.get(key) for key in KEYS}
    nodes.add("new")
    moved = [key for key in KEYS if nodes.get(key) != before[key]]
    assert all(nodes.get(key) == "new" for key in moved)
    assert len(moved) / len(KEYS) == pytest.approx(0.1, rel=0.3)
    nodes.remove("new")
    assert {key: nodes.get(key) for key in KEYS} == before


@KINDS
def test_get_many_is_the_order_in_which_nodes_take_over(kind: Callable[..., Sharder]) -> None:
    nodes = kind(["a", "b", "c", "d"])
    for key in KEYS[:200]:
        order = nodes.get_many(key, 4)
        assert sorted(order) == ["a", "b", "c", "d"]
        assert nodes.get_many(key, 2) == order[:2]
        assert nodes.get_many(key, 9) == order
        assert nodes.get_many(key, 0) == []
        gone = copy.copy(nodes)
        gone.remove(order[0])
        assert gone.get(key) == order[1]


@KINDS
def test_it_is_a_collection_of_names(kind: Callable[..., Sharder]) -> None:
    nodes = kind({"a": 1, "b": 2})
    assert len(nodes) == 2
    assert "a" in nodes
    assert "c" not in nodes
    assert nodes.nodes == {"a": 1.0, "b": 2.0}
    assert "'a': 1.0" in repr(nodes)
    assert len(kind([])) == 0
    assert len(kind(name for name in "xyz")) == 3


@KINDS
def test_copies_and_pickles_decide_alike(kind: Callable[..., Sharder]) -> None:
    nodes = kind({"a": 1, "b": 2.5, "c": 1})
    for other in (pickle.loads(pickle.dumps(nodes)), copy.deepcopy(nodes)):  # noqa: S301 - our own
        assert [other.get(key) for key in KEYS] == [nodes.get(key) for key in KEYS]
    assert pickle.loads(pickle.dumps(HashRing(["a"], virtual_nodes=7))).virtual_nodes == 7  # noqa: S301


@KINDS
def test_distribution_counts_what_it_is_given(kind: Callable[..., Sharder]) -> None:
    nodes = kind(["a", "b", "c"])
    counts = nodes.distribution(KEYS)
    assert counts == {name: sum(nodes.get(key) == name for key in KEYS) for name in "abc"}
    assert sum(nodes.distribution().values()) == 10_000
    assert nodes.distribution([]) == {"a": 0, "b": 0, "c": 0}


@KINDS
def test_a_sample_may_change_the_nodes_while_it_is_read(kind: Callable[..., Sharder]) -> None:
    nodes = kind(["a"])

    def keys() -> Iterator[str]:
        nodes.add("b")
        yield from KEYS

    assert nodes.distribution(keys()) == nodes.distribution(KEYS)
    assert len(nodes) == 2


@KINDS
def test_what_cannot_be_used_is_refused_and_changes_nothing(kind: Callable[..., Sharder]) -> None:
    for weight in (0, -1, float("nan"), float("inf"), 1e300):
        with pytest.raises(errors.ConfigurationError, match="node 'a': weight"):
            kind({"a": weight})
    for nodes in (["a", "a"], "abc", b"abc"):
        with pytest.raises(errors.ConfigurationError):
            kind(nodes)
    for wrong in ([1, 2], {"a": "heavy"}, 5, None):
        with pytest.raises(TypeError):
            kind(wrong)
    nodes = kind(["a"])
    with pytest.raises(errors.ConfigurationError, match="'a' is there twice"):
        nodes.add("a")
    with pytest.raises(errors.NotFound, match="no node 'x'"):
        nodes.remove("x")
    with pytest.raises(TypeError, match="a key is str or bytes"):
        nodes.get(5)  # type: ignore[arg-type]
    with pytest.raises(OverflowError):
        nodes.get_many("k", -1)
    with pytest.raises(errors.ConfigurationError, match="use at most"):
        nodes.distribution(10**12)
    with pytest.raises(errors.ConfigurationError, match="is one key"):
        nodes.distribution("abc")
    nodes.remove("a")
    with pytest.raises(errors.ConfigurationError, match="there is no node"):
        nodes.get("k")
    assert nodes.get_many("k", 3) == []


def test_points_on_the_ring_are_bounded() -> None:
    for count in (0, 2**21):
        with pytest.raises(errors.ConfigurationError, match="virtual nodes"):
            HashRing(["a"], virtual_nodes=count)
    with pytest.raises(errors.ConfigurationError, match="points on the ring"):
        HashRing({"a": 100_000})
    assert HashRing(["a"], virtual_nodes=3).virtual_nodes == 3


def test_every_method_is_documented() -> None:
    for kind in (scrubjay.HashRing, scrubjay.Rendezvous):
        for name in dir(kind):
            if not name.startswith("_"):
                assert getattr(kind, name).__doc__, name
