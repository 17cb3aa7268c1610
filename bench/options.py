"""How long and how much: full runs for figures to publish, quick ones to see that everything works."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """Shared by all measurements."""

    #: Interleaved rounds; the figure is the median.
    rounds: int = 3
    #: Seconds measured per run, and run before that.
    seconds: float = 3.0
    warmup: float = 0.5
    #: Keys that are in the server while its speed is measured.
    speed_keys: int = 1_000_000
    #: Entries while its memory is measured, in millions.
    memory_millions: float = 5.0
    swing_millions: tuple[float, ...] = (4.0, 5.0, 6.0, 7.0, 8.0)
    #: The memory limit that churn runs against.
    churn_bytes: int = 1 << 30
    #: Smaller ones, for ours on two threads.
    churn_small_bytes: tuple[int, ...] = (100_000_000, 256_000_000)
    #: Starts of an empty node.
    starts: int = 5

    @property
    def timing(self) -> dict[str, float]:
        """The generator's settings for one run."""
        return {"duration_s": self.seconds, "warmup_s": self.warmup}


FULL = Options()
#: A tenth of the time. Its figures are no figures: too short to outlast the machine's moods.
QUICK = Options(
    rounds=1,
    seconds=1.0,
    warmup=0.2,
    speed_keys=200_000,
    memory_millions=0.5,
    swing_millions=(0.4, 0.5, 0.6, 0.7, 0.8),
    churn_bytes=128 << 20,
    starts=2,
)
