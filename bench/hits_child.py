"""Runs in an interpreter that can import scrubjay: replays a trace through `scrubjay.Cache`, prints JSON.

`python hits_child.py TRACE CAPACITY...`: for each capacity in bytes of values, what the default policy missed, how many
bytes of values it held meanwhile, and what exact LRU misses when it may hold just as many. The cache's limit counts
everything, so the limit that holds a given payload is found by trying: at most four replays.
"""

import contextlib
import gzip
import json
import sys
from typing import Any

from scrubjay import Cache, _core
from scrubjay.errors import OutOfMemory
from scrubjay.testing import ManualClock

RECORD_BYTES = 12
KEY_BYTES = 8
#: How often the payload is looked at, in requests.
LOOK_EVERY = 1000
#: Payload this near to the capacity is near enough: exact LRU gets the same, to the byte.
NEAR = 0.02
TRIES = 4


def main() -> None:
    """Print [{capacity, held, object_misses, byte_misses, lru_object_misses, lru_byte_misses}]."""
    path, *capacities = sys.argv[1:]
    with gzip.open(path) as file:
        trace = file.read()
    json.dump([_compare(path, trace, int(capacity)) for capacity in capacities], sys.stdout)


def _compare(path: str, trace: bytes, capacity: int) -> dict[str, Any]:
    limit = capacity * 3 // 2
    for _ in range(TRIES):
        found = _replay(trace, limit)
        if abs(found["held"] / capacity - 1) < NEAR:
            break
        limit = int(limit * capacity / found["held"])
    lru = _core.replay(path, policy="lru", capacity=("payload", int(found["held"])))
    return found | {
        "capacity": capacity,
        "lru_object_misses": lru["object_miss_ratio"],
        "lru_byte_misses": lru["byte_miss_ratio"],
    }


def _replay(trace: bytes, limit: int) -> dict[str, float]:
    # A millisecond a request: what the policy remembers has the trace's order, however fast this runs.
    clock = ManualClock()
    cache = Cache(max_memory=limit, clock=clock)
    get, put, tick = cache.get, cache.set, clock.advance
    sizes = memoryview(trace)
    longest = b"v" * max(
        int.from_bytes(sizes[at : at + 4], "little") for at in range(KEY_BYTES, len(trace), RECORD_BYTES)
    )
    misses = missed_bytes = total_bytes = looks = held = 0
    for number, at in enumerate(range(0, len(trace), RECORD_BYTES)):
        tick(0.001)
        key = trace[at : at + KEY_BYTES]
        size = int.from_bytes(sizes[at + KEY_BYTES : at + RECORD_BYTES], "little")
        total_bytes += size
        if get(key) is None:
            misses += 1
            missed_bytes += size
            # A value that does not fit a very small cache is not admitted; the miss stands.
            with contextlib.suppress(OutOfMemory):
                put(key, longest[:size])
        if number % LOOK_EVERY == 0:
            stats = cache.stats()
            if stats.evictions:
                looks += 1
                held += stats.payload_bytes - KEY_BYTES * stats.entries
    requests = len(trace) // RECORD_BYTES
    return {
        # Never evicted: everything fits, and what is held is what there is.
        "held": held / looks if looks else float(cache.stats().payload_bytes),
        "object_misses": misses / requests,
        "byte_misses": missed_bytes / total_bytes,
    }


if __name__ == "__main__":
    main()
