"""Resident memory against the limit, while entries come and go: `RSS / max_memory`, the largest seen.

Random keys are written, over twice as many as fit. Steady churn has values of 16 lengths between 32 and 1000
bytes; its memory is watched once twice the limit has been written, until it is four times. A shift fills the
memory with values of one length and then writes another, which an allocator by size classes answers with holes;
it is watched from the first write of the new length on. Writes that a server refused are counted.

What a process takes beside its entries hardly grows with the limit, so small limits show it: ours is also run on two
threads, where one thread frees what another allocated, at limits of 100 and 256 MB. There the empty node is subtracted.
"""

import threading
from collections.abc import Iterable
from typing import Self

import generator
import targets
from options import Options
from reference import MissingError
from report import Row
from servers import ALL, OURS, Server, start

#: What an entry costs beside its value, roughly: key and overhead. Only decides how much to write.
BESIDE_BYTES = 60
SAMPLE_SECONDS = 0.05
#: One run of the generator; the next draws other keys.
SLICE_SECONDS = 0.5

STEADY = "steady churn"
SHIFT = "after a shift of value sizes"
Lengths = tuple[int, int]
#: The lengths of the values before, and of those that are watched.
PHASES: dict[str, tuple[Lengths, Lengths]] = {
    STEADY: ((32, 1000), (32, 1000)),
    "100 B to 1000 B": ((100, 100), (1000, 1000)),
    "1000 B to 100 B": ((1000, 1000), (100, 100)),
}
REFUSED = "writes refused, %"


def measure(options: Options) -> Iterable[Row]:
    """Steady churn, and after shifts of the value size in both directions (the worse of the two counts)."""
    rows = {
        case: Row("churn", case, targets.TIMES_LIMIT, limits=targets.of(case, targets.TIMES_LIMIT))
        for case in (STEADY, SHIFT, *PHASES)
    }
    refused = {case: Row("churn", case, REFUSED) for case in PHASES}
    absent = []
    for name in ALL:
        try:
            for case, (before, after) in PHASES.items():
                with start(name, memory_bytes=options.churn_bytes) as server:
                    _write(server, options.churn_bytes, before)
                    peak, lost = _write(server, options.churn_bytes, after)
                rows[case].samples[name] = [peak / options.churn_bytes]
                refused[case].samples[name] = [lost * 100]
            shifts = [rows[case].samples[name] for case in PHASES if case != STEADY]
            rows[SHIFT].samples[name] = max(shifts)
        except MissingError as error:
            absent.append(Row("churn", name, "", skipped=str(error)))
    told = [row for row in refused.values() if any(any(samples) for samples in row.samples.values())]
    small = [row for limit_bytes in options.churn_small_bytes for row in _small(limit_bytes)]
    return [*rows.values(), *told, *small, *absent]


def _small(limit_bytes: int) -> Iterable[Row]:
    """One limit, two threads, ours: the largest RSS beyond the empty node's, over the limit."""
    prefix = f"{limit_bytes // 1_000_000} MB, two threads, "
    for case, (before, after) in PHASES.items():
        limits = targets.of(STEADY if case == STEADY else SHIFT, targets.TIMES_LIMIT)
        row = Row("churn", prefix + case, targets.BEYOND_EMPTY, limits=limits)
        try:
            with start(OURS, memory_bytes=limit_bytes, threads=2, pinned=False) as server:
                empty = server.settled_rss_bytes()
                _write(server, limit_bytes, before)
                peak, _ = _write(server, limit_bytes, after)
            row.samples[OURS] = [(peak - empty) / limit_bytes]
        except MissingError as error:
            row.skipped = str(error)
        yield row


def _write(server: Server, limit_bytes: int, lengths: Lengths) -> tuple[int, float]:
    """Write twice the limit; the largest RSS meanwhile, and the share of writes that were refused."""
    fitting = limit_bytes // (sum(lengths) // 2 + BESIDE_BYTES)
    written = refused = seed = 0
    with _Peak(server) as peak:
        while written < 2 * fitting:
            seed += 1
            load = generator.attempt(
                server,
                "set",
                keys=2 * fitting,
                value_bytes=lengths[0],
                value_bytes_max=lengths[1],
                pipeline=16,
                seed=seed,
                duration_s=SLICE_SECONDS,
                warmup_s=0,
            )
            written += load.ops
            refused += load.errors
    return peak.bytes, refused / written


class _Peak:
    """The largest RSS of a server within a `with` block."""

    def __init__(self, server: Server) -> None:
        self.bytes = 0
        self._server = server
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.bytes = max(self.bytes, self._server.rss_bytes())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.bytes = max(self.bytes, self._server.rss_bytes())
