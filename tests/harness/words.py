r"""Command lines as redis-cli reads them: `SET "a key" "\x00\xff" EX 10`.

The tables of cases are written in this form, and a failing random sequence is printed in it, so that either can be
pasted into redis-cli. Double quotes know `\n \r \t \b \a \\ \" \xHH`; single quotes take everything as it is.
"""

import re

__all__ = ["join", "split"]

WORD = re.compile(
    rb"""\s*(?:
        "(?P<double>(?:[^"\\]|\\.)*)"(?=\s|$)
      | '(?P<single>[^']*)'(?=\s|$)
      | (?P<bare>[^\s"']\S*)
    )""",
    re.VERBOSE | re.DOTALL,
)
ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}
BARE = re.compile(rb"[A-Za-z0-9_{}.:*?\[\]^+/=<>!@%&|~,;()$-]+")


def split(line: str) -> list[bytes]:
    """The words of one line."""
    rest, words = line.strip().encode(), []
    while rest:
        match = WORD.match(rest)
        if match is None:
            raise ValueError(f"unbalanced quotes: {line!r}")
        rest = rest[match.end() :].lstrip()
        if match["double"] is not None:
            words.append(ESCAPE.sub(_unescape, match["double"]))
        else:
            words.append(match["single"] if match["single"] is not None else match["bare"])
    return words


def join(words: list[bytes] | tuple[bytes, ...]) -> str:
    """One line that `split` takes apart into the same words."""
    return " ".join(map(_shown, words))


def _unescape(match: re.Match[bytes]) -> bytes:
    escape = match[1]
    if len(escape) == 3:
        return bytes([int(escape[1:], 16)])
    return NAMED.get(escape, escape)


def _shown(word: bytes) -> str:
    if BARE.fullmatch(word):
        return word.decode()
    inner = "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\x{b:02x}" for b in word)
    return f'"{inner}"'
