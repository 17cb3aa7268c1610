"""A near cache: values stay in this process until somebody changes them, and the server says when.

    scrubjay serve &
    python examples/near_cache.py redis://127.0.0.1:6379

Needs `pip install redis`, 5.1 or newer. The client asks for protocol 3 and turns on `CLIENT TRACKING`; the server
remembers which keys it has read and pushes a message when one of them changes, expires or is evicted. So a hit costs no
trip to the server, and a stale value lives no longer than that message travels.
"""

import sys
import time

import redis
from redis.cache import CacheConfig

READS = 10_000


def main(url: str) -> int:
    """Reads one key many times, near and far, then lets another client change it."""
    with (
        redis.Redis.from_url(url, protocol=3, decode_responses=True) as far,
        redis.Redis.from_url(url, protocol=3, decode_responses=True, cache_config=CacheConfig(max_size=1000)) as near,
    ):
        far.set("example:user:1", "Steller")
        for name, client in (("far ", far), ("near", near)):
            print(f"{name}: {microseconds(client):6.1f} us a read")
        far.set("example:user:1", "Woodhouse")
        # The message is on its way while this client goes on: it may read the old value for that long.
        waited = 0
        while near.get("example:user:1") != "Woodhouse":
            waited += 1
        print(f"the change was seen after {waited} stale reads")
        far.delete("example:user:1")
    return 0


def microseconds(client: redis.Redis) -> float:
    """What a read takes, on average."""
    begun = time.perf_counter()
    for _ in range(READS):
        if client.get("example:user:1") != "Steller":
            raise RuntimeError("somebody else writes to example:user:1")
    return (time.perf_counter() - begun) / READS * 1e6


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "redis://127.0.0.1:6379"))
