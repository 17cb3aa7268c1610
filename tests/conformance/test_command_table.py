"""What COMMAND says about each of our commands, beside what the reference server says about the same one.

Clients route by arity, key positions and flags, so a wrong row is a bug although every reply is right.
"""

from harness.resp import Connection, Reply
from harness.servers import Server

NOT_OURS = {"loading", "stale", "noscript", "allow_busy", "no_async_loading", "no_mandatory_keys", "skip_monitor"}
"""Flags about states that a node never is in: loading a file, a stale replica, a script that is stuck."""

NEWER = {"wait": {"blocking"}, "lastsave": {"admin"}, "role": {"admin"}}
"""Flags that Redis gave these commands after 7.0."""

OTHERWISE = {"exec": {"skip_slowlog"}}
"""Flags that these lack on purpose: a transaction stands in the slow log as a whole, and not command by command."""

NEWER_ARITY = {"command|getkeys", "command|getkeysandflags", "zrank", "zrevrank"}
"""Commands that take fewer or more arguments since 7.2."""


def test_commands_have_the_arity_flags_and_categories_of_the_reference(ours: Server, reference: Server) -> None:
    with ours.connect() as here, reference.connect() as there:
        mine, theirs = _rows(here), _rows(there)
    common = sorted(mine.keys() & theirs.keys())
    assert len(common) > 100, "most commands and subcommands are in both"
    wrong = [line for name in common for line in _differences(name, mine[name], theirs[name])]
    assert not wrong, "\n".join(wrong)


def test_every_command_is_listed_counted_and_documented(ours: Server) -> None:
    with ours.connect(3) as connection:
        names = [name.data.decode() for name in connection.run("COMMAND", "LIST").members]
        top = [name for name in names if "|" not in name]
        assert connection.run("COMMAND", "COUNT").number == len(top) == len(connection.run("COMMAND").members)
        documented = connection.run("COMMAND", "DOCS").pairs()
        assert set(top) == {name.decode() for name in documented}
        for name, described in documented.items():
            facts = described.pairs()
            assert facts[b"summary"].data, name
            assert facts[b"since"].data, name
            assert facts[b"complexity"].data, name
            assert facts[b"group"].data, name


def _rows(connection: Connection) -> dict[str, tuple[Reply, ...]]:
    found: dict[str, tuple[Reply, ...]] = {}

    def add(rows: tuple[Reply, ...]) -> None:
        for row in rows:
            found[row.members[0].data.decode()] = row.members
            add(row.members[9].members)

    add(connection.run("COMMAND").members)
    return found


def _differences(name: str, mine: tuple[Reply, ...], theirs: tuple[Reply, ...]) -> list[str]:
    wrong = []
    if mine[1] != theirs[1] and name not in NEWER_ARITY:
        wrong.append(f"{name}: arity {mine[1]}, there {theirs[1]}")
    if mine[3:6] != theirs[3:6] and "movablekeys" not in _words(theirs[2]):
        wrong.append(f"{name}: keys {mine[3:6]}, there {theirs[3:6]}")
    flags, expected = (
        _words(mine[2]) - NEWER.get(name, set()),
        _words(theirs[2]) - NOT_OURS - OTHERWISE.get(name, set()),
    )
    if flags != expected:
        wrong.append(f"{name}: flags {sorted(flags)}, there {sorted(expected)}")
    categories, known = _words(mine[6]), _words(theirs[6])
    if not (known <= categories) and not name.endswith("|help"):
        wrong.append(f"{name}: categories {sorted(categories)}, there {sorted(known)}")
    if mine[6].members and mine[6].members[0].kind != theirs[6].members[0].kind:
        wrong.append(f"{name}: categories are {mine[6].members[0].kind}, there {theirs[6].members[0].kind}")
    return wrong


def _words(reply: Reply) -> set[str]:
    return {word.data.decode() for word in reply.members}
