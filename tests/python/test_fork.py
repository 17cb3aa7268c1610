"""A cache lives through `fork()`, with other threads at work in it."""

import os
import sys
import threading

import pytest

from scrubjay import Cache

FORKS = 40


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_parent_and_child_go_on_with_a_copy_each() -> None:
    cache = Cache()
    keys = {f"key:{n}": b"x" * 500 for n in range(2000)}
    cache.set_many(keys)
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            cache.set_many(keys, ttl=60)
            cache.get_many(keys)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for n in range(FORKS):
            child = os.fork()
            if child == 0:
                os._exit(_in_the_child(cache, n))
            _, status = os.waitpid(child, 0)
            assert os.waitstatus_to_exitcode(status) == 0, f"fork {n}"
            assert cache.get("child") is None
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert len(cache) == len(keys)


def _in_the_child(cache: Cache, n: int) -> int:
    try:
        assert cache.get("key:7") == b"x" * 500
        cache.set("child", n)
        cache.set_many({f"short:{i}": i for i in range(100)}, ttl=0.001)
        pause = threading.Event()
        # Nobody reads them: only the child's own background thread can remove them.
        while cache.stats().expirations < 100:
            pause.wait(0.005)
        assert cache.get("child") == n
        cache.close()
    except BaseException as error:  # noqa: BLE001 - a forked child must not run the rest of the tests
        print(repr(error), file=sys.stderr)
        return 1
    return 0
