"""Client-side caching: what a tracking client is told, on both servers, while others change keys."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest

from conformance.listening import END, Heard, heard_until_end, say_end
from harness.resp import Connection
from harness.servers import Server
from harness.waiting import eventually

Told = list[tuple[bytes | None, ...]]

NULL = (b"invalidate", None)


class Scene:
    """A tracking client and another that changes keys."""

    def __init__(self, server: Server, stack: ExitStack, protocol: int = 3) -> None:
        self.server, self._stack = server, stack
        self.early: Told = []
        self.other = stack.enter_context(server.connect())
        self.client = stack.enter_context(server.connect(protocol))
        self.other.run("FLUSHALL")
        for number in range(10):
            self.other.run("SET", f"k{number}", "v")

    def connect(self, protocol: int = 3) -> Connection:
        return self._stack.enter_context(self.server.connect(protocol))

    def track(self, *options: str | int) -> None:
        self.client.send("SUBSCRIBE", END)
        self.client.read()
        self.ask("CLIENT", "TRACKING", "ON", *options)

    def ask(self, *words: str | int) -> None:
        """A command of the tracking client, whose reply is none of the test's business."""
        self.client.send(*words)
        reply = self.client.read()
        while reply.kind == ">":
            self.early.append(_flat(reply.members))
            reply = self.client.read()
        assert not reply.is_error, str(reply)

    def told(self) -> Told:
        """What the client was told since the last time."""
        say_end(self.other)
        told, self.early = [*self.early, *heard_until_end(self.client)], []
        return told


def _flat(members: Sequence[object]) -> Heard:
    flat: list[bytes | None] = []
    for member in members:
        value = getattr(member, "value", None)
        flat += _flat(value) if isinstance(value, tuple) else [value]
    return tuple(flat)


@contextmanager
def scene(server: Server, protocol: int = 3) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(server, stack, protocol)


def same_on_both(ours: Server, reference: Server, play: Callable[[Scene], Told]) -> Told:
    """Plays a scene on both servers, and answers what the client was told."""
    told = []
    for server in (ours, reference):
        with scene(server) as one:
            told.append(play(one))
    assert told[0] == told[1]
    return told[0]


def test_a_key_that_was_read_is_told_once(ours: Server, reference: Server) -> None:
    def play(scene: Scene) -> Told:
        scene.track()
        scene.ask("GET", "k1")
        scene.ask("MGET", "k2", "k3", "absent")
        for words in (
            ["SET", "k1", "w"],
            ["SET", "k1", "x"],
            ["DEL", "k3"],
            ["SET", "absent", "1"],
            ["SET", "k9", "1"],
        ):
            scene.other.run(*words)
        return scene.told()

    assert same_on_both(ours, reference, play) == [(b"invalidate", key) for key in (b"k1", b"k3", b"absent")]


CHANGES = """
    APPEND k1 x | EXPIRE k1 100 | RENAME k1 z | RENAME z k1 | COPY k2 k1 REPLACE | SETBIT k1 1 1 | GETDEL k1
    PEXPIREAT k1 1 | GETEX k1 EX 5 | MSET k1 1 k2 2 | FLUSHDB | FLUSHALL | SET k1 v | PERSIST k1 | MOVE k1 7
"""


@pytest.mark.parametrize(
    "change", [change.strip() for line in CHANGES.splitlines() for change in line.split("|")][1:-1]
)
def test_every_kind_of_change_is_told(change: str, ours: Server, reference: Server) -> None:
    def play(scene: Scene) -> Told:
        scene.other.run("SET", "z", "v")
        scene.track()
        for key in ("k1", "k2", "z"):
            scene.ask("GET", key)
        scene.other.run(*change.split())
        return sorted(scene.told(), key=repr)

    same_on_both(ours, reference, play)


def test_reads_of_batches_and_transactions_count(ours: Server, reference: Server) -> None:
    def play(scene: Scene) -> Told:
        scene.track()
        scene.client.sendall(b"GET k1\r\nGET k2\r\nSET k3 1\r\nMULTI\r\nGET k4\r\nSTRLEN k5\r\nEXEC\r\n")
        for _ in range(7):
            scene.client.read()
        for number in range(1, 7):
            scene.other.run("SET", f"k{number}", "w")
        return scene.told()

    assert [key for _, key in same_on_both(ours, reference, play)] == [b"k1", b"k2", b"k4", b"k5"]


def test_expired_keys_are_told(ours: Server, reference: Server) -> None:
    def play(scene: Scene) -> Told:
        scene.track()
        scene.other.run("SET", "short", "v", "PX", 200)
        scene.ask("GET", "short")
        eventually(lambda: scene.other.run("EXISTS", "short").number == 0, "it expires")
        return scene.told()

    assert same_on_both(ours, reference, play) == [(b"invalidate", b"short")]


def test_opting_in_and_out_is_for_the_next_command(ours: Server, reference: Server) -> None:
    def play(scene: Scene) -> Told:
        scene.track("OPTIN")
        scene.ask("GET", "k1")
        scene.ask("CLIENT", "CACHING", "YES")
        scene.ask("GET", "k2")
        scene.ask("GET", "k3")
        scene.ask("CLIENT", "CACHING", "YES")
        for words in (["MULTI"], ["GET", "k4"], ["GET", "k5"], ["EXEC"], ["GET", "k6"]):
            scene.ask(*words)
        for number in range(10):
            scene.other.run("SET", f"k{number}", "w")
        told = scene.told()
        scene.ask("CLIENT", "TRACKING", "OFF")
        scene.ask("CLIENT", "TRACKING", "ON", "OPTOUT")
        scene.ask("CLIENT", "CACHING", "NO")
        scene.ask("GET", "k7")
        scene.ask("GET", "k8")
        for number in range(10):
            scene.other.run("SET", f"k{number}", "w")
        return told + scene.told()

    assert [key for _, key in same_on_both(ours, reference, play)] == [b"k2", b"k4", b"k5", b"k8"]


def test_noloop_spares_what_the_client_changed_itself(ours: Server, reference: Server) -> None:
    def play(scene: Scene) -> Told:
        scene.track("NOLOOP")
        scene.ask("GET", "k1")
        scene.ask("GET", "k2")
        scene.ask("SET", "k1", "w")
        scene.other.run("SET", "k2", "w")
        return scene.told()

    assert same_on_both(ours, reference, play) == [(b"invalidate", b"k2")]


def test_without_noloop_the_client_hears_of_its_own_changes(ours: Server, reference: Server) -> None:
    def play(scene: Scene) -> Told:
        scene.track()
        scene.ask("GET", "k1")
        scene.ask("SET", "k1", "w")
        return scene.told()

    assert same_on_both(ours, reference, play) == [(b"invalidate", b"k1")]


def test_broadcasting_tells_every_key_with_a_prefix_every_time(ours: Server, reference: Server) -> None:
    def play(scene: Scene) -> Told:
        scene.track("BCAST", "PREFIX", "user:", "PREFIX", "item:")
        for key in ("user:1", "item:1", "other", "user:1", "use"):
            scene.other.run("SET", key, "v")
        scene.other.run("DEL", "item:1")
        return sorted(scene.told())

    told = same_on_both(ours, reference, play)
    assert [key for _, key in told] == [b"item:1", b"item:1", b"user:1", b"user:1"]


def test_everything_is_told_as_null_when_all_is_gone(ours: Server, reference: Server) -> None:
    for flush in ("FLUSHALL", "FLUSHDB"):

        def play(scene: Scene, flush: str = flush) -> Told:
            scene.track()
            scene.ask("GET", "k1")
            scene.other.run(flush)
            scene.other.run("SET", "k1", "v")
            return scene.told()

        assert same_on_both(ours, reference, play) == [NULL]


def test_tracking_that_is_off_tells_nothing(ours: Server, reference: Server) -> None:
    def play(scene: Scene) -> Told:
        scene.track()
        scene.ask("GET", "k1")
        scene.ask("CLIENT", "TRACKING", "OFF")
        scene.other.run("SET", "k1", "w")
        return scene.told()

    assert same_on_both(ours, reference, play) == []


@pytest.mark.parametrize("protocol", [2, 3])
def test_another_client_can_hear_in_its_place(protocol: int, ours: Server, reference: Server) -> None:
    told = []
    for server in (ours, reference):
        with scene(server, protocol=2) as one:
            listener = one.connect(protocol)
            number = listener.run("CLIENT", "ID").number
            listener.run("SUBSCRIBE", "__redis__:invalidate")
            listener.run("SUBSCRIBE", END)
            one.ask("CLIENT", "TRACKING", "ON", "REDIRECT", number)
            assert one.client.run("CLIENT", "GETREDIR").number == number
            one.ask("GET", "k1")
            one.other.run("SET", "k1", "w")
            one.other.run("FLUSHALL")
            say_end(one.other)
            told.append(heard_until_end(listener))
    assert told[0] == told[1]
    assert len(told[0]) == 2


def until_gone(connection: Connection, number: int) -> None:
    """Waits until the server has noticed that a client is gone."""
    eventually(lambda: f"id={number} " not in connection.run("CLIENT", "LIST").data.decode(), "the client is gone")


def test_a_client_whose_listener_is_gone_is_told_so(ours: Server, reference: Server) -> None:
    told = []
    for server in (ours, reference):
        with scene(server) as one:
            with server.connect(3) as listener:
                number = listener.run("CLIENT", "ID").number
                one.track("REDIRECT", number)
                one.ask("GET", "k1")
            until_gone(one.other, number)
            one.other.run("SET", "k1", "w")
            told.append([words[0] for words in one.told()])
            flags = one.client.run("CLIENT", "TRACKINGINFO").pairs()[b"flags"]
            assert b"broken_redirect" in {flag.data for flag in flags.members}
    assert told[0] == told[1] == [b"tracking-redir-broken"]


def test_the_table_is_bounded_and_whoever_made_room_is_told(ours: Server) -> None:
    with scene(ours) as one:
        one.other.run("CONFIG", "SET", "tracking-table-max-keys", 100)
        try:
            one.track()
            for number in range(300):
                one.ask("GET", f"key:{number}")
            keys = len(one.told())
            info = one.other.run("INFO", "stats").data.decode()
        finally:
            one.other.run("CONFIG", "SET", "tracking-table-max-keys", 1_000_000)
    assert keys == 200
    assert "tracking_total_keys:100\r\n" in info
    assert "tracking_total_items:100\r\n" in info


def test_no_change_falls_between_a_read_and_its_being_remembered(ours: Server) -> None:
    """A client keeps what it read until it is told: it must end with what is true, whatever came in between."""
    with scene(ours) as one:
        writers = [one.connect(2) for _ in range(3)]
        one.track()
        kept: dict[bytes, bytes | None] = {}
        for turn in range(300):
            for number, writer in enumerate(writers):
                writer.send("SET", f"k{number}", f"{turn}")
            for number in range(3):
                one.client.send("GET", f"k{number}")
                reply = one.client.read()
                while reply.kind == ">":
                    kept.pop(_flat(reply.members)[1] or b"", None)
                    reply = one.client.read()
                kept[b"k%d" % number] = reply.data
            for writer in writers:
                writer.read()
        for words in one.told():
            kept.pop(words[1] or b"", None)
        for key, value in kept.items():
            assert one.other.run("GET", key).data == value, f"{key!r} was kept and nobody said that it changed"
