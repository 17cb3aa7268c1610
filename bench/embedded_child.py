"""Runs in an interpreter that can import scrubjay: times `scrubjay.Cache` beside `dict`, prints JSON.

100,000 keys of 16 bytes with 64-byte values, visited in a random order that is the same for all. A figure is
one pass of a plain `for` loop over the keys divided by their number, so the loop's own cost is in it, for
`dict` as well.
"""

import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from scrubjay import Cache

COUNT = 100_000
PASSES = 7


def main() -> None:
    """Print {contender: {metric: [ns of each pass]}}."""
    order = list(range(COUNT))
    random.Random(1).shuffle(order)  # noqa: S311 (an order, not a secret)
    byte_keys: list[Any] = [b"key:%012d" % number for number in order]
    text_keys: list[Any] = [f"key:{number:012d}" for number in order]
    value = b"v" * 64
    limits: dict[str, Any] = {"max_memory": "256mb", "default_ttl": 3600}
    contenders = {
        "bytes, default policy": (Cache(**limits), byte_keys, value),
        "bytes, LRU": (Cache(**limits, policy="allkeys-lru"), byte_keys, value),
        "str, default policy": (Cache(**limits), text_keys, value.decode()),
    }
    found: dict[str, dict[str, list[float]]] = {}
    for name, (cache, keys, stored) in contenders.items():
        plain: dict[Any, Any] = {}
        # Turns, so that both meet the same moods of the machine.
        timings: dict[str, dict[str, list[float]]] = {"set": {}, "get hit": {}}
        for _ in range(PASSES):
            for contender, put, get in (
                ("scrubjay", cache.set, cache.get),
                ("dict", plain.__setitem__, plain.get),
            ):
                timings["set"].setdefault(contender, []).append(_put_ns(put, keys, stored))
                timings["get hit"].setdefault(contender, []).append(_get_ns(get, keys))
        if cache.get(keys[0]) != stored:
            sys.exit(f"{name}: a value did not come back as it went in")
        found |= {f"{operation}, {name}": samples for operation, samples in timings.items()}
    json.dump(found, sys.stdout)


def _put_ns(put: Callable[..., object], keys: Sequence[Any], value: object) -> float:
    began = time.perf_counter_ns()
    for key in keys:
        put(key, value)
    return (time.perf_counter_ns() - began) / len(keys)


def _get_ns(get: Callable[[Any], object], keys: Sequence[Any]) -> float:
    began = time.perf_counter_ns()
    for key in keys:
        get(key)
    return (time.perf_counter_ns() - began) / len(keys)


if __name__ == "__main__":
    main()
