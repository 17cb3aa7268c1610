"""Memory per entry: resident memory above an empty node's and above the bytes of key and value themselves.

Keys are 16 bytes. Each server is started anew for each case, because freed memory is not given back at once.
A node's own share is a row of its own (`node.py`); here it is subtracted, so that it does not depend on the
number of entries.
"""

from collections.abc import Iterable

import generator
import targets
from options import Options
from reference import MissingError
from report import Row
from servers import ALL, start

KEY_BYTES = 16
#: A day: long enough that nothing expires during the measurement.
TTL_SECONDS = 86_400


def measure(options: Options) -> Iterable[Row]:
    """Bytes per entry for two value sizes, with and without a TTL."""
    entries = int(options.memory_millions * 1e6)
    for value_bytes in (32, 100):
        for ttl_seconds in (0, TTL_SECONDS):
            case = f"{value_bytes} B values{', TTL on each' if ttl_seconds else ''}"
            row = Row("memory", case, targets.PER_ENTRY, limits=targets.of(case, targets.PER_ENTRY))
            absent = []
            for name in ALL:
                try:
                    row.samples[name] = [_per_entry(name, [entries], value_bytes, ttl_seconds)[0]]
                except MissingError as error:
                    absent.append(Row("memory", f"{name}, {case}", "", skipped=str(error)))
            yield row
            yield from absent


def swing(options: Options) -> Iterable[Row]:
    """Bytes per entry at several counts: a table that doubles is cheap at one and dear at the next."""
    counts = [int(millions * 1e6) for millions in options.swing_millions]
    rows = {
        count: Row("swing", f"32 B values, {millions:g} M entries", targets.PER_ENTRY)
        for count, millions in zip(counts, options.swing_millions, strict=True)
    }
    worst = Row("swing", "worst count over best", "times", limits=targets.of("worst count over best", "times"))
    absent = []
    for name in ALL:
        try:
            found = _per_entry(name, counts, 32, 0)
        except MissingError as error:
            absent.append(Row("swing", name, "", skipped=str(error)))
            continue
        for count, figure in zip(counts, found, strict=True):
            rows[count].samples[name] = [figure]
        worst.samples[name] = [max(found) / min(found)]
    return [*rows.values(), worst, *absent]


def payload(options: Options) -> Iterable[Row]:
    """Keys and values as a share of resident memory, with values of 1 KiB; the node counts as memory."""
    entries = int(options.memory_millions * 1e6 / 5)
    row = Row("payload", "1 KiB values", "payload / RSS", limits=targets.of("1 KiB values", "payload / RSS"))
    absent = []
    for name in ALL:
        try:
            with start(name) as server:
                generator.preload(server, entries, 1024)
                row.samples[name] = [entries * (KEY_BYTES + 1024) / server.settled_rss_bytes()]
        except MissingError as error:
            absent.append(Row("payload", name, "", skipped=str(error)))
    return [row, *absent]


def _per_entry(name: str, counts: list[int], value_bytes: int, ttl_seconds: int) -> list[float]:
    """Overhead at each of the rising `counts`, in one server that grows through them."""
    found = []
    with start(name) as server:
        empty = server.settled_rss_bytes()
        loaded = 0
        for count in counts:
            generator.preload(server, count - loaded, value_bytes, first_key=loaded, ttl_s=ttl_seconds)
            loaded = count
            grown = server.settled_rss_bytes() - empty
            found.append(grown / count - KEY_BYTES - value_bytes)
    return found
