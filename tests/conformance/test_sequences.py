"""Random command sequences: the same replies as the reference server, and the same state at the end.

`make test` takes seeds 1 to 120 of each family in each protocol, which is some 45 seconds; `make conformance-long` goes
on from a random seed, with thousands.
"""

import secrets

import pytest

from conformance.differ import Difference, Pair, shrink
from conformance.generate import FAMILIES, GONE, Command, generate
from harness.servers import Server
from harness.words import join

FILE = "tests/conformance/test_sequences.py"
SEQUENCES = 120
LENGTH = 100


@pytest.fixture
def seeds(request: pytest.FixtureRequest) -> range:
    """The seeds of this run: fixed ones, or those that the options ask for."""
    count = request.config.getoption("--sequences")
    first = request.config.getoption("--seed")
    if first is None:
        first = 1 if count is None else secrets.randbelow(1 << 40)
    return range(first, first + (count or SEQUENCES))


@pytest.mark.timeout(0)
@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
@pytest.mark.parametrize("family", FAMILIES)
def test_random_sequence_gets_the_replies_and_leaves_the_state_of_the_reference(
    family: str, protocol: int, ours: Server, reference: Server, seeds: range
) -> None:
    print(f"{family} RESP{protocol}: seeds {seeds.start} to {seeds.stop - 1}, {LENGTH} commands each")
    pair = Pair(ours, reference, protocol=protocol)
    for seed in seeds:
        commands = generate(family, seed, LENGTH)
        difference = pair.compare(commands, chunks=seed)
        if difference is not None:
            pytest.fail(_report(pair, family, seed, commands, difference), pytrace=False)


def _report(pair: Pair, family: str, seed: int, commands: list[Command], difference: Difference) -> str:
    # One by one if that fails too; else the pipelining is part of the fault and is kept.
    chunks = None if pair.compare(commands, chunks=None) else seed
    short = shrink(commands, lambda shorter: pair.compare(shorter, chunks) is not None)
    last = pair.compare(short, chunks) or difference
    lines = [
        f"seed {seed} of {family}, RESP{pair.protocol}: {last}",
        f"after these {len(short)} commands{'' if chunks is None else ', pipelined'}:",
        *(f"    {_shown(command)}" for command in short),
        "again with:",
        f"    .venv/bin/python -m pytest {FILE} -k '{family}-resp{pair.protocol}' --seed {seed} --sequences 1",
    ]
    return "\n".join(lines)


def _shown(command: Command) -> str:
    if command[0] == GONE:
        return f"PEXPIRE {join(command[1:])} 1    (and wait until it has expired)"
    return join(command)
