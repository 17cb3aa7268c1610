"""Rows of figures, beside their targets: as text, as Markdown for the README, and as JSON.

A row is one metric of one case, with the samples of every contender. Its figure is the median over the
rounds; its ratio to Redis is the median of the per-round ratios, because two runs next to each other in time
share the machine's mood, and two medians do not.
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from servers import OURS, REDIS

Level = Literal["must", "aim"]
#: What a bound is about: our figure, or our figure over Redis' or over the best peer's.
Measure = Literal["figure", "x redis", "x best peer"]


@dataclass(frozen=True)
class Limit:
    """One target."""

    bound: float
    measure: Measure = "figure"
    level: Level = "must"
    at_least: bool = False

    def holds(self, value: float) -> bool:
        """Whether `value` meets it."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        """The bound as the table prints it."""
        sign = "≥" if self.at_least else "≤"
        suffix = {"figure": "", "x redis": "x", "x best peer": "x best"}[self.measure]
        return f"{'aim ' if self.level == 'aim' else ''}{sign}{number(self.bound)}{suffix}"


@dataclass
class Row:
    """One metric of one case."""

    group: str
    case: str
    metric: str
    samples: dict[str, list[float]] = field(default_factory=dict)
    limits: Sequence[Limit] = ()
    #: Why there is no figure of ours, or of the contender that the case names.
    skipped: str = ""

    def figure(self, name: str) -> float | None:
        """The median of `name`'s samples."""
        samples = self.samples.get(name)
        return statistics.median(samples) if samples else None

    def measured(self, measure: Measure) -> float | None:
        """What a limit is compared with; None where a contender is missing."""
        mine = self.samples.get(OURS)
        if not mine:
            return None
        if measure == "figure":
            return statistics.median(mine)
        theirs = {name: samples for name, samples in self.samples.items() if name != OURS and samples}
        if measure == "x redis":
            return _ratio(mine, theirs[REDIS]) if any(theirs.get(REDIS, [])) else None
        ratios = [_ratio(mine, samples) for samples in theirs.values() if any(samples)]
        # More is better where the target is a lower bound.
        best = min if any(limit.at_least for limit in self.limits) else max
        return best(ratios) if ratios else None

    def verdict(self) -> str:
        """PASS, MISS and what was missed, or nothing where nothing was promised or compared."""
        if self.skipped:
            return f"skipped: {self.skipped}"
        missed: dict[Level, list[str]] = {"must": [], "aim": []}
        judged = 0
        for limit in self.limits:
            value = self.measured(limit.measure)
            if value is None:
                continue
            judged += 1
            if not limit.holds(value):
                missed[limit.level].append(str(limit))
        if not judged:
            return ""
        if missed["must"]:
            return f"MISS ({', '.join(missed['must'])})"
        return f"PASS (not yet {', '.join(missed['aim'])})" if missed["aim"] else "PASS"

    def as_json(self) -> dict[str, Any]:
        """The row with all its samples."""
        return {
            "group": self.group,
            "case": self.case,
            "metric": self.metric,
            "figures": {name: self.figure(name) for name in self.samples},
            "samples": self.samples,
            "ratio_to_redis": self.measured("x redis"),
            "targets": [str(limit) for limit in self.limits],
            "verdict": self.verdict(),
        }


def _ratio(mine: list[float], theirs: list[float]) -> float:
    if len(mine) == len(theirs) and all(theirs):
        return statistics.median(m / t for m, t in zip(mine, theirs, strict=True))
    return statistics.median(mine) / (statistics.median(theirs) or 1.0)


def number(value: float | None) -> str:
    """Three significant digits, thousands apart."""
    if value is None:
        return "-"
    magnitude = abs(value)
    if magnitude >= 1000:
        return f"{value:,.0f}"
    if magnitude >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if magnitude >= 10 else f"{value:.2f}" if magnitude >= 1 else f"{value:.3f}"


def table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Head and cells; the contenders' columns are those that occur."""
    names = list(dict.fromkeys(name for row in rows for name in row.samples))
    names.sort(key=lambda name: name != OURS)
    head = ["case", "metric", *names, "x redis", "target", "verdict"]
    cells = []
    for row in rows:
        ratio = row.measured("x redis")
        figures = [number(row.figure(name)) for name in names]
        target = ", ".join(map(str, row.limits))
        shown_ratio = f"{ratio:.2f}x" if ratio is not None else ""
        cells.append([row.case, row.metric, *figures, shown_ratio, target, row.verdict()])
    return head, cells


def text(rows: Sequence[Row]) -> str:
    """The table for a terminal; a case's name stands on its first row only."""
    head, cells = table(rows)
    widths = [max(len(line[i]) for line in [head, *cells]) for i in range(len(head))]
    # The verdict may be a sentence; nothing stands behind it that it could push away.
    widths[-1] = 0
    lines = []
    before = ""
    for line in [head, *cells]:
        shown = ["" if line[0] == before else line[0], *line[1:]]
        before = line[0]
        left = [shown[0].ljust(widths[0]), shown[1].ljust(widths[1])]
        figures = [cell.rjust(width) for cell, width in zip(shown[2:-2], widths[2:-2], strict=True)]
        lines.append("  ".join([*left, *figures, shown[-2].ljust(widths[-2]), shown[-1]]).rstrip())
    lines.insert(1, "-" * len(lines[0]))
    return "\n".join(lines)


def markdown(rows: Sequence[Row]) -> str:
    """The same table as Markdown, one per group."""
    parts = []
    for group in dict.fromkeys(row.group for row in rows):
        head, cells = table([row for row in rows if row.group == group])
        align = ["---", "---", *["--:"] * (len(head) - 4), "---", "---"]
        lines = [f"| {' | '.join(line)} |" for line in [head, align, *cells]]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def missing_rows(group: str, missing: dict[str, str]) -> Iterable[Row]:
    """A visible row for each contender that could not be measured."""
    return [Row(group, name, "", skipped=reason) for name, reason in missing.items()]
