"""Hit ratios on real traces: how many of exact LRU's misses the default policy saves, at equal payload bytes.

`scrubjay replay` runs both on every trace in `$SCRUBJAY_TRACES` (gzip of little-endian records `u64 key, u32
size`), at 1, 10 and 20 % of the trace's unique bytes. That the replay's own LRU and FIFO are exact is a
test's business, not this table's.
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
from reference import MissingError, ours
from report import Row
from servers import OURS

SHARES = (0.01, 0.10, 0.20)
RECORD = struct.Struct("<QI")
POLICY = "s3fifo"


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
    sizes = {trace: _unique_bytes(trace) for trace in traces}
    for share in SHARES:
        case = f"capacity {share:.0%} of the unique bytes"
        saved: list[tuple[float, float]] = []
        for trace in traces:
            capacity = int(sizes[trace] * share)
            lru, default = _replay(trace, "lru", capacity), _replay(trace, POLICY, capacity)
            saved.append(((1 - default[0] / lru[0]) * 100, (1 - default[1] / lru[1]) * 100))
            yield Row("hits", case, f"object misses saved, %, {trace.name.split('.')[0]}", {OURS: [saved[-1][0]]})
        for metric, figure in (
            ("object misses saved, %, mean", statistics.mean(objects for objects, _ in saved)),
            ("object misses saved, %, worst trace", min(objects for objects, _ in saved)),
            ("byte misses saved, %, mean", statistics.mean(octets for _, octets in saved)),
        ):
            yield Row("hits", case, metric, {OURS: [figure]}, targets.of(case, metric))


def _unique_bytes(trace: Path) -> int:
    with gzip.open(trace) as file:
        return sum(dict(RECORD.iter_unpack(file.read())).values())


def _replay(trace: Path, policy: str, capacity: int) -> tuple[float, float]:
    """Object and byte miss ratio of `policy` on `trace`."""
    done = subprocess.run(
        [ours().path, "replay", trace, "--policy", policy, "--capacity-payload", str(capacity), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        reason = f"scrubjay replay: {(done.stderr.strip().splitlines() or ['it said nothing'])[-1]}"
        raise MissingError(reason)
    report = json.loads(done.stdout)
    return report["object_miss_ratio"], report["byte_miss_ratio"]
