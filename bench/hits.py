"""Hit ratios on real traces: how many of exact LRU's misses the default policy saves, at equal payload bytes.

Measured on what ships: the trace goes through `scrubjay.Cache` with its default policy (`hits_child.py`), and through
the replay's exact LRU holding just as many bytes of values. On every trace in `$SCRUBJAY_TRACES` (gzip of little-endian
records `u64 key, u32 size`), at 1, 10 and 20 % of the trace's unique bytes. That the replay's LRU is exact is a test's
business, not this table's.
"""

import gzip
import json
import os
import statistics
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path

import targets
from options import Options
from reference import MissingError, our_python
from report import Row
from servers import OURS

SHARES = (0.01, 0.10, 0.20)
RECORD = struct.Struct("<QI")


def measure(options: Options) -> Iterable[Row]:
    """Per trace and in the mean, the share of LRU's misses that are saved; object misses and byte misses."""
    folder = os.environ.get("SCRUBJAY_TRACES", "")
    traces = sorted(Path(folder).glob("*.bin.gz")) if folder else []
    if not traces:
        reason = "no traces: SCRUBJAY_TRACES names no folder with *.bin.gz"
        raise MissingError(reason)
    if options.rounds == 1:
        # Quick: the smallest file says whether it works.
        traces = [min(traces, key=lambda path: path.stat().st_size)]
    python = our_python()
    found = {trace: _compare(python, trace) for trace in traces}
    for turn, share in enumerate(SHARES):
        case = f"capacity {share:.0%} of the unique bytes"
        saved = {trace: outcomes[turn] for trace, outcomes in found.items()}
        for trace, (objects, _) in saved.items():
            yield Row("hits", case, f"object misses saved, %, {trace.name.split('.')[0]}", {OURS: [objects]})
        for metric, figure in (
            ("object misses saved, %, mean", statistics.mean(objects for objects, _ in saved.values())),
            ("object misses saved, %, worst trace", min(objects for objects, _ in saved.values())),
            ("byte misses saved, %, mean", statistics.mean(octets for _, octets in saved.values())),
        ):
            yield Row("hits", case, metric, {OURS: [figure]}, targets.of(case, metric))


def _unique_bytes(trace: Path) -> int:
    with gzip.open(trace) as file:
        return sum(dict(RECORD.iter_unpack(file.read())).values())


def _compare(python: str, trace: Path) -> list[tuple[float, float]]:
    """The percentage of exact LRU's object and byte misses that are saved, at each of the shares."""
    unique = _unique_bytes(trace)
    capacities = [str(int(unique * share)) for share in SHARES]
    script = Path(__file__).with_name("hits_child.py")
    done = subprocess.run([python, script, trace, *capacities], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = f"replay of {trace.name}: {(done.stderr.strip().splitlines() or ['it said nothing'])[-1]}"
        raise MissingError(reason)
    return [
        (
            (1 - found["object_misses"] / found["lru_object_misses"]) * 100,
            (1 - found["byte_misses"] / found["lru_byte_misses"]) * 100,
        )
        for found in json.loads(done.stdout)
    ]
