"""Answers as people and programs read them: in the forms that redis-cli prints, which eyes and scripts know."""

import base64
import json
import math
from typing import Any, Final

from scrubjay.cli.resp import Answer, Failure, Pairs, Status, Unordered, Verbatim

__all__ = ["as_json", "for_people", "quote", "raw", "split"]

ESCAPES: Final = {0x07: "\\a", 0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r", 0x22: '\\"', 0x5C: "\\\\"}
UNESCAPES: Final = {"a": 7, "b": 8, "t": 9, "n": 10, "r": 13}
PRINTABLE: Final = range(0x20, 0x7F)


def quote(data: bytes) -> str:
    r"""Bytes between quotation marks, the unprintable ones as `\xHH`."""
    inside = (ESCAPES.get(byte) or (chr(byte) if byte in PRINTABLE else f"\\x{byte:02x}") for byte in data)
    return f'"{"".join(inside)}"'


def for_people(answer: Answer, indent: int = 0) -> str:
    """An answer as a terminal shows it: types told apart, lists numbered."""
    match answer:
        case None:
            return "(nil)"
        case bool():
            return "(true)" if answer else "(false)"
        case int():
            return f"(integer) {answer}"
        case float():
            return f"(double) {number(answer)}"
        case Status():
            return str(answer)
        case Failure():
            return f"(error) {answer}"
        case Verbatim():
            return answer.decode(errors="replace")
        case bytes():
            return quote(answer)
        case Pairs():
            return _pairs(answer, indent)
        case _:
            return _numbered(answer, indent)


def _numbered(answers: list[Answer], indent: int) -> str:
    mark = "~" if isinstance(answers, Unordered) else ")"
    if not answers:
        return "(empty set)" if mark == "~" else "(empty array)"
    width = len(str(len(answers)))
    lines: list[str] = []
    for number_, answer in enumerate(answers, 1):
        prefix = f"{number_:>{width}}{mark} "
        lines.append((" " * indent if lines else "") + prefix + for_people(answer, indent + len(prefix)))
    return "\n".join(lines)


def _pairs(pairs: Pairs, indent: int) -> str:
    if not pairs.items:
        return "(empty hash)"
    width = len(str(len(pairs.items)))
    lines: list[str] = []
    for number_, (key, value) in enumerate(pairs.items, 1):
        prefix = f"{number_:>{width}}# {for_people(key)} => "
        lines.append((" " * indent if lines else "") + prefix + for_people(value, indent + len(prefix)))
    return "\n".join(lines)


def raw(answer: Answer) -> bytes:
    """An answer as a pipe gets it: the bare bytes, elements a line each."""
    match answer:
        case None:
            return b""
        case bool():
            return b"1" if answer else b"0"
        case bytes():
            return bytes(answer)
        case float():
            return number(answer).encode()
        case Pairs():
            return b"\n".join(raw(key) + b"\n" + raw(value) for key, value in answer.items)
        case list():
            return b"\n".join(raw(element) for element in answer)
        case _:
            return str(answer).encode()


def as_json(answer: Answer) -> str:
    """An answer as one line of JSON. Bytes that are not UTF-8 come as `{"base64": ...}`."""
    return json.dumps(_plain(answer), ensure_ascii=False)


def _plain(answer: Answer) -> Any:  # noqa: ANN401 - whatever JSON can hold
    match answer:
        case Failure():
            return {"error": str(answer)}
        case Status():
            return str(answer)
        case bytes():
            try:
                return answer.decode()
            except UnicodeDecodeError:
                return {"base64": base64.b64encode(answer).decode()}
        case float() if not math.isfinite(answer):
            return number(answer)
        case Pairs():
            return {key if isinstance(key := _plain(k), str) else json.dumps(key): _plain(v) for k, v in answer.items}
        case list():
            return [_plain(element) for element in answer]
        case _:
            return answer


def number(value: float) -> str:
    """A number in its shortest form: `3`, `0.1`, `inf`."""
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def split(line: str) -> list[bytes]:
    r"""The words of a command line: separated by spaces, `"..."` with escapes (`\n`, `\xHH`), `'...'` as it stands.

    Raises:
        ValueError: a quotation mark is not closed, or something follows a closing one.
    """
    words: list[bytes] = []
    at = 0
    while at < len(line):
        if line[at].isspace():
            at += 1
            continue
        word, at = _word(line, at)
        words.append(word)
    return words


def _word(line: str, at: int) -> tuple[bytes, int]:
    word = bytearray()
    while at < len(line) and not line[at].isspace():
        mark = line[at]
        if mark not in "\"'":
            word += mark.encode(errors="surrogateescape")
            at += 1
            continue
        at = _quoted(line, at + 1, mark, word)
        if at < len(line) and not line[at].isspace():
            raise ValueError("something follows a closing quotation mark: put a space between")
        break
    return bytes(word), at


def _quoted(line: str, at: int, mark: str, word: bytearray) -> int:
    while at < len(line):
        char = line[at]
        if char == mark:
            return at + 1
        if char == "\\" and at + 1 < len(line):
            following = line[at + 1]
            code = line[at + 2 : at + 4]
            if mark == '"' and following == "x" and _is_byte(code):
                word.append(int(code, 16))
                at += 4
                continue
            if mark == '"' or following == "'":
                escaped = UNESCAPES.get(following) if mark == '"' else None
                word += bytes([escaped]) if escaped is not None else following.encode(errors="surrogateescape")
                at += 2
                continue
        word += char.encode(errors="surrogateescape")
        at += 1
    raise ValueError(f"a quotation mark ({mark}) is not closed")


def _is_byte(code: str) -> bool:
    return len(code) == len("ff") and all(digit in "0123456789abcdefABCDEF" for digit in code)
