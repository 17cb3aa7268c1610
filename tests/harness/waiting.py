"""Waiting for an event with a deadline, in place of sleeping and hoping."""

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["DEADLINE_S", "eventually"]

T = TypeVar("T")

DEADLINE_S = 20.0
"""How long an event may take before the test fails: only a failing test ever waits this long."""

PAUSE_S = 0.002
"""Between two looks: short beside any event that is waited for, long beside what a look costs."""


def eventually(look: Callable[[], T], what: str, *, deadline_s: float = DEADLINE_S) -> T:
    """Looks until `look` returns something true, and returns that.

    Raises:
        AssertionError: it did not within `deadline_s`; the text says `what` was waited for, and what was last seen.
    """
    end = time.monotonic() + deadline_s
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {deadline_s} s; last seen: {seen!r}")
        time.sleep(PAUSE_S)
