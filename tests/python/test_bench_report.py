"""The table that `make bench` prints: what counts as met, missed and not compared."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))

import report  # noqa: E402
import targets  # noqa: E402
from report import Limit, Row  # noqa: E402


def test_figure_is_the_median_and_ratio_the_median_of_paired_rounds():
    # The machine was twice as slow in the second round, for both: the ratio does not move.
    row = Row("g", "c", "m", {"scrubjay": [1.0, 2.0, 1.0], "redis": [4.0, 8.0, 2.0]})
    assert row.figure("scrubjay") == 1.0
    assert row.measured("x redis") == 0.25


@pytest.mark.parametrize(
    ("mine", "limits", "verdict"),
    [
        (1.0, [Limit(1.0)], "PASS"),
        (1.1, [Limit(1.0)], "MISS (≤1)"),
        (1.0, [Limit(1.0, at_least=True)], "PASS"),
        (0.9, [Limit(1.0, at_least=True)], "MISS (≥1)"),
        (30.0, [Limit(32), Limit(24, level="aim")], "PASS (not yet aim ≤24)"),
        (33.0, [Limit(32), Limit(24, level="aim")], "MISS (≤32)"),
        (1.0, [Limit(9.0), Limit(0.4, "x redis")], "MISS (≤0.400x)"),
        (1.0, [], ""),
    ],
)
def test_verdict_names_the_limit_that_was_missed(mine, limits, verdict):
    assert Row("g", "c", "m", {"scrubjay": [mine], "redis": [2.0]}, limits).verdict() == verdict


def test_ratio_without_the_peer_is_not_judged_and_absence_is_not_a_pass():
    assert Row("g", "c", "m", {"scrubjay": [1.0]}, [Limit(0.4, "x redis")]).verdict() == ""
    assert Row("g", "c", "m", {"redis": [1.0]}, [Limit(9.0)]).verdict() == ""
    assert Row("g", "c", "", skipped="not built").verdict() == "skipped: not built"


def test_best_peer_is_the_fastest_where_less_is_better():
    row = Row("g", "c", "m", {"scrubjay": [2.0], "redis": [4.0], "memcached": [1.0]}, [Limit(1.1, "x best peer")])
    assert row.measured("x best peer") == 2.0
    assert row.verdict() == "MISS (≤1.10x best)"


def test_tables_hold_every_row_and_json_every_sample():
    rows = [
        Row(
            "a",
            "case",
            "m",
            {"redis": [1.0], "scrubjay": [0.5]},
            targets.of("32 B values", targets.PER_ENTRY),
        ),
        Row("b", "other", "", skipped="no reason"),
    ]
    text = report.text(rows)
    assert text.splitlines()[0].split()[:4] == ["case", "metric", "scrubjay", "redis"]
    assert "0.50x" in text
    assert "skipped: no reason" in text
    assert report.markdown(rows).count("| case | metric |") == 2
    assert json.loads(json.dumps(rows[0].as_json()))["samples"] == {"redis": [1.0], "scrubjay": [0.5]}


@pytest.mark.parametrize("name", [case for case, _ in targets.TARGETS])
def test_every_target_names_a_case_that_some_script_measures(name):
    """A renamed case would lose its target without a sound."""
    sources = "".join(path.read_text(encoding="utf-8") for path in BENCH.glob("*.py") if path.name != "targets.py")
    import speed  # noqa: PLC0415 (needs the path above)

    computed = {case.name for case in speed.CASES}
    computed |= {f"{operation} 64 B at half load" for operation in ("GET", "SET")}
    computed |= {f"{size} B values{ttl}" for size in (32, 100) for ttl in ("", ", TTL on each")}
    computed |= {f"capacity {share} of the unique bytes" for share in ("1%", "10%", "20%")}
    computed |= {
        f"{operation}, bytes, {policy}" for operation in ("set", "get hit") for policy in ("default policy", "LRU")
    }
    assert name in computed or f'"{name}"' in sources


def test_an_unknown_group_is_refused_with_the_list():
    done = subprocess.run(
        [sys.executable, BENCH / "run.py", "--only", "nonsense"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no group nonsense; there are: get, set," in done.stderr
