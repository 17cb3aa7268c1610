"""What makes code that uses a cache testable.

A `ManualClock` stands still until it is told to move, so a test of expiry neither sleeps nor flickers::

    clock = ManualClock()
    cache = Cache(clock=clock)
    cache.set("session", "Ada", ttl=60)
    clock.advance(60)
    assert cache.get("session") is None
"""

from scrubjay._core import ManualClock

__all__ = ["ManualClock"]
