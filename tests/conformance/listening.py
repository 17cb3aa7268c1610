"""A client that listens, and a script that others run meanwhile: what it heard, on either server.

Both servers send what happened in the order in which it happened, so a message on a channel of the test's own marks the
end: whoever has heard it has heard everything before.
"""

from collections.abc import Iterable, Sequence

from harness.resp import Connection, Reply
from harness.waiting import eventually

__all__ = ["END", "Heard", "heard_until_end", "run_script", "say_end"]

END = "end-of-the-script"

Heard = tuple[bytes | None, ...]
"""The words of one message or invalidation; the keys of an invalidation follow its name."""


def say_end(connection: Connection) -> None:
    """Says the end, to at least one listener: servers may deliver to others a moment later."""
    eventually(lambda: connection.run("PUBLISH", END, "").number, "somebody listens for the end")


def run_script(connection: Connection, script: Iterable[Sequence[str]]) -> None:
    """Runs commands whose replies are compared elsewhere."""
    for words in script:
        connection.ask(*words)


def heard_until_end(listener: Connection) -> list[Heard]:
    """Everything that a client hears until the end is said, replies to commands left out."""
    heard: list[Heard] = []
    while True:
        words = _words(listener.read())
        if words[-2:] == (END.encode(), b""):
            return heard
        if words[0] not in (b"subscribe", b"psubscribe"):
            heard.append(words)


def _words(reply: Reply) -> Heard:
    if not isinstance(reply.value, tuple):
        return (reply.value if isinstance(reply.value, bytes | None) else b"",)
    return tuple(word for part in reply.value for word in _words(part))
