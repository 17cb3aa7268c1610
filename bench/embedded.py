"""In the process: `scrubjay.Cache` beside `dict`, and what `import scrubjay` costs.

The limit and a TTL on every entry are on. Each contender's first pass of writes inserts, the others
overwrite.
"""

import json
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import targets
from options import Options
from reference import MissingError, our_python
from report import Row
from servers import OURS, cores, on_core

IMPORTS = 9


def measure(options: Options) -> Iterable[Row]:
    """Ns per get and set; milliseconds that importing adds to starting Python."""
    python = our_python()
    with on_core(cores()[0]):
        child = subprocess.run(
            [python, Path(__file__).with_name("embedded_child.py")],
            capture_output=True,
            text=True,
            check=False,
        )
    if child.returncode != 0:
        reason = f"in-process cache: {(child.stderr.strip().splitlines() or ['it said nothing'])[-1]}"
        raise MissingError(reason)
    rows = []
    for case, samples in json.loads(child.stdout).items():
        rows.append(Row("embedded", case, targets.NS, samples, targets.of(case, targets.NS)))
    case, metric = "import scrubjay", "ms"
    cost = [
        (_seconds(python, "import scrubjay") - _seconds(python, "pass")) * 1e3
        for _ in range(IMPORTS if options.rounds > 1 else 3)
    ]
    return [*rows, Row("embedded", case, metric, {OURS: cost}, targets.of(case, metric))]


def _seconds(python: str, statement: str) -> float:
    began = time.monotonic()
    # -I: without the user's site packages and environment, which are not what is measured.
    subprocess.run([python, "-I", "-c", statement], check=True)
    return time.monotonic() - began
