"""Every case of the tables, against ours and, unless it is newer, against the reference server; in both protocols."""

import time

import pytest

from conformance.case import GONE, Case, load, show
from conformance.known_differences import is_known
from harness.resp import Connection
from harness.servers import Server

CASES = {f"{case.family}-{case.name}": case for case in load()}


@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
@pytest.mark.parametrize("name", CASES)
def test_case_is_answered_as_the_reference_does(
    name: str, protocol: int, ours: Server, request: pytest.FixtureRequest
) -> None:
    case = CASES[name]
    theirs: Server | None = None if case.since else request.getfixturevalue("reference")
    if case.since and request.config.getoption("--reference-against-itself"):
        pytest.skip("newer than the reference server")
    empty(ours)
    if theirs is not None:
        empty(theirs)
    wrong = _disagreements(case, ours, theirs, protocol)
    assert not wrong, "\n".join([f"{case.family}.case, ## {case.name}, RESP{protocol}:", *wrong])


def test_newer_cases_say_their_replies() -> None:
    for case in CASES.values():
        for line in case.lines:
            assert not case.since or line.expected or line.how != "exact", f"{case.name}: {line.source}"


def empty(server: Server) -> None:
    """Takes every key and every trace of an earlier case away."""
    with server.connect() as connection:
        connection.run("FLUSHALL")


def _disagreements(case: Case, ours: Server, theirs: Server | None, protocol: int) -> list[str]:
    wrong = []
    ours_at = Connection(ours.port, protocol=protocol)
    theirs_at = Connection(theirs.port, protocol=protocol) if theirs else None
    # Deadlines are computed by two servers at two moments: the whole case's duration bounds the difference.
    began = time.monotonic()
    try:
        for line in case.lines:
            got = line.ask(ours_at)
            if theirs_at is not None:
                wanted = line.ask(theirs_at)
                passed_ms = (time.monotonic() - began) * 1000
                known = is_known(line.words, show(got), show(wanted))
                if line.differs(got, wanted, passed_ms) and not known:
                    wrong.append(f"  {line.source}\n    ours:      {show(got)}\n    reference: {show(wanted)}")
            if line.expected is not None and show(got) != line.expected:
                wrong.append(f"  {line.source}\n    ours: {show(got)}")
            if got is GONE:
                break
    finally:
        ours_at.close()
        if theirs_at is not None:
            theirs_at.close()
    return wrong
