"""The terminal client's parts: RESP in both versions, the forms that answers are shown in, and splitting a line."""

import io
import math

import pytest

from scrubjay.cli.render import as_json, for_people, raw, split
from scrubjay.cli.resp import Answer, Failure, Pairs, Push, Status, Unordered, encode, read_answer

ANSWERS: list[tuple[bytes, Answer, str, bytes, str]] = [
    (b"+OK\r\n", Status("OK"), "OK", b"OK", '"OK"'),
    (b"-ERR no\r\n", Failure("ERR no"), "(error) ERR no", b"ERR no", '{"error": "ERR no"}'),
    (b":-7\r\n", -7, "(integer) -7", b"-7", "-7"),
    (b"(12345678901234567890\r\n", 12345678901234567890, "(integer) 12345678901234567890", b"12345678901234567890", ""),
    (b'$6\r\na"\n\x00\xffb\r\n', b'a"\n\x00\xffb', r'"a\"\n\x00\xffb"', b'a"\n\x00\xffb', '{"base64": "YSIKAP9i"}'),
    (b"$0\r\n\r\n", b"", '""', b"", '""'),
    (b"$-1\r\n", None, "(nil)", b"", "null"),
    (b"*-1\r\n", None, "(nil)", b"", "null"),
    (b"_\r\n", None, "(nil)", b"", "null"),
    (b",1.5\r\n", 1.5, "(double) 1.5", b"1.5", "1.5"),
    (b",3\r\n", 3.0, "(double) 3", b"3", "3.0"),
    (b",inf\r\n", math.inf, "(double) inf", b"inf", '"inf"'),
    (b"#t\r\n", True, "(true)", b"1", "true"),
    (b"!5\r\nERR x\r\n", Failure("ERR x"), "(error) ERR x", b"ERR x", '{"error": "ERR x"}'),
    (b"=6\r\ntxt:hi\r\n", b"hi", "hi", b"hi", '"hi"'),
    (b"*0\r\n", [], "(empty array)", b"", "[]"),
    (b"~0\r\n", Unordered(), "(empty set)", b"", "[]"),
    (b"%0\r\n", Pairs([]), "(empty hash)", b"", "{}"),
    (b"~1\r\n:1\r\n", Unordered([1]), "1~ (integer) 1", b"1", "[1]"),
    (b"%1\r\n+a\r\n:1\r\n", Pairs([(Status("a"), 1)]), "1# a => (integer) 1", b"a\n1", '{"a": 1}'),
    (b">1\r\n+a\r\n", Push([Status("a")]), "1) a", b"a", '["a"]'),
    (b"|1\r\n+ttl\r\n:1\r\n:5\r\n", 5, "(integer) 5", b"5", "5"),
]


@pytest.mark.parametrize(("wire", "answer", "people", "bare", "plain"), ANSWERS, ids=[str(row[0]) for row in ANSWERS])
def test_answers_are_read_and_shown(wire: bytes, answer: Answer, people: str, bare: bytes, plain: str) -> None:
    found = read_answer(io.BytesIO(wire))
    assert found == answer
    assert for_people(found) == people
    assert raw(found) == bare
    assert as_json(found) == plain or not plain


def test_lists_are_numbered_and_nested_as_in_redis_cli() -> None:
    wire = b"*3\r\n$1\r\na\r\n*2\r\n:1\r\n:2\r\n%1\r\n+k\r\n*1\r\n:3\r\n"
    shown = for_people(read_answer(io.BytesIO(wire)))
    assert shown == '1) "a"\n2) 1) (integer) 1\n   2) (integer) 2\n3) 1# k => 1) (integer) 3'
    ten = for_people(read_answer(io.BytesIO(b"*10\r\n" + b":0\r\n" * 10)))
    assert ten.startswith(" 1) ")
    assert ten.endswith("10) (integer) 0")


@pytest.mark.parametrize("wire", [b"", b"+OK", b"$5\r\nab", b"*2\r\n:1\r\n", b"$3\r\nabc"])
def test_a_cut_answer_is_the_end_of_the_stream(wire: bytes) -> None:
    with pytest.raises(EOFError):
        read_answer(io.BytesIO(wire))


@pytest.mark.parametrize(
    "wire", [b"HTTP/1.1 400 Bad Request\r\n", b":x\r\n", b"\r\n", b"*1\r\n" * 40, b"+" * (1 << 20)]
)
def test_what_is_no_resp_is_refused(wire: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its message is the bytes themselves, or int()'s own
        read_answer(io.BytesIO(wire))


def test_commands_are_encoded() -> None:
    assert encode([b"GET", b""]) == b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  get   a ", [b"get", b"a"]),
        ('set k "two words"', [b"set", b"k", b"two words"]),
        (r'"\x00\xFF\n\t\"\\\q"', [b'\x00\xff\n\t"\\q']),
        (r"'it\'s \n raw'", [b"it's \\n raw"]),
        ("ключ", ["ключ".encode()]),
        ("''", [b""]),
        ('a"b c"', [b"ab c"]),
    ],
)
def test_lines_are_split_into_words(line: str, words: list[bytes]) -> None:
    assert split(line) == words


@pytest.mark.parametrize("line", ['"open', "'open", '"a"b', "'a'b"])
def test_unbalanced_quotation_marks_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match="quotation mark"):
        split(line)
