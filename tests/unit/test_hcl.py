"""HCL and JSON text: what is refused and where, what it reads as, and that hostile text costs little."""

from __future__ import annotations

import contextlib
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultlike.hcl import MAX_DEPTH, Body, Entry, HclInvalid, Value, labelled, parse

LIMIT = 100_000


def plain(value: Value) -> object:
    """Entries as nested lists: `[key, *labels, value]`."""
    if isinstance(value, Body):
        return [[entry.key, *entry.labels, plain(entry.value)] for entry in value.entries]
    return [plain(one) for one in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("this is not HCL {", "At 1:19: object expected closing RBRACE got: EOF"),
        (
            'path "a" { capabilities = ["read" }',
            "At 1:35: error parsing list, expected comma or list end, got: RBRACE",
        ),
        ("a", "At 1:3: key \"a\" expected start of object ('{') or assignment ('='), got: EOF"),
        ("a = ", "At 1:6: expected a value, got: EOF"),
        ("\n\na = b", "At 3:5: expected a value, got: WORD"),
        ("a = = 1", "At 1:5: expected a value, got: ="),
        ('a "b" = 1', "At 1:7: nested object expected: LBRACE got: ="),
        ('a = "b', "At 1:5: literal not terminated"),
        ('a = "b\nc"', "At 1:5: literal not terminated"),
        ('a = "\x00"', "At 1:5: literal not terminated"),
        ('a = "\\q"', "At 1:5: illegal escape in a string"),
        ('a = "\\ud800"', "At 1:5: illegal escape in a string"),
        ('a = "\\U00110000"', "At 1:5: illegal escape in a string"),
        ('a = "\\x00"', "At 1:5: illegal escape in a string"),
        ("a = 1\n/* b", "At 2:1: comment not terminated"),
        ("a = <<E\nb\n", "At 1:5: heredoc not terminated"),
        ("a = <<E", "At 1:5: heredoc needs a marker on a line of its own"),
        ("a = 1h", 'At 1:5: illegal number "1h"'),
        ("a = 09", 'At 1:5: illegal number "09"'),
        ("a = 1.", 'At 1:5: illegal number "1."'),
        ("a = 1e999", 'At 1:5: number "1e999" is out of range'),
        ("a = 9223372036854775808", 'At 1:5: number "9223372036854775808" is out of range'),
        ("a = [1 2]", "At 1:8: error parsing list, expected comma or list end, got: NUMBER"),
        ("a = [,]", "At 1:6: expected a value, got: ,"),
        ("}", "At 1:1: expected a key, got: RBRACE"),
        ("= 1", "At 1:1: expected a key, got: ="),
        (";", 'At 1:1: illegal character ";"'),
        ("a = 'b'", 'At 1:5: illegal character "\'"'),
        ('{"path": {"x": ', "At 1:17: expected a value, got: EOF"),
        ('{"a": 1,}', "At 1:9: expected a key, got: RBRACE"),
        ('{"a": [1,]}', "At 1:10: expected a value, got: RBRACK"),
        ('{"a": 01}', 'At 1:7: illegal number "01"'),
        ('{"a": yes}', 'At 1:7: illegal word "yes"'),
        ('{"a" = 1}', 'At 1:6: illegal character "="'),
        ('{"a" 1}', 'At 1:6: key "a" expected a colon, got: NUMBER'),
        ('{"a": 1} x', 'At 1:10: illegal word "x"'),
        ('{"a": 1} {', "At 1:10: expected the end of the text, got: LBRACE"),
        ('{"a": "\t"}', "At 1:7: literal not terminated"),
        ('{"a": "\\ud800"}', "At 1:7: illegal escape in a string"),
        ("{", "At 1:3: expected a key, got: EOF"),
    ],
)
def test_unreadable_text_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(HclInvalid) as refused:
        parse(text, limit=LIMIT)
    assert refused.value.messages == (message,)
    assert message.startswith(f"At {refused.value.line}:{refused.value.column}: ")
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# only a comment\n", []),
        ("\ufeffa = 1", [["a", 1]]),
        ("a = 1 // one\nb = 2 # two\n/* three\n */ c = 3", [["a", 1], ["b", 2], ["c", 3]]),
        ('path "a" { }', [["path", "a", []]]),
        ('"path" "a" "b" { x = 1 }', [["path", "a", "b", [["x", 1]]]]),
        ("a = 1\na = 2\na {}", [["a", 1], ["a", 2], ["a", []]]),
        ("a = { b = 1, c = 2 }", [["a", [["b", 1], ["c", 2]]]]),
        (
            'p = { "ttl" = ["1h","2h"]  "*" = [] }',
            [["p", [["ttl", ["1h", "2h"]], ["*", []]]]],
        ),
        ("a = [1, [true, false,], {b = 1},]", [["a", [1, [True, False], [["b", 1]]]]]),
        ("a = [\n  1, # one\n  2,\n]", [["a", [1, 2]]]),
        ("a = -1 b = 0x1F c = 010 d = 1.5 e = -2e-3 f = 1E+2", None),
        (r'a = "x\"y\\" b = "é\u00e9\U0001F600\n\x41\101"', [["a", 'x"y\\'], ["b", "éé😀\nAA"]]),
        ('path "a\\\\" { x = "b" }', [["path", "a\\", [["x", "b"]]]]),
        ("true-x = 1\ntruth = true", [["true-x", 1], ["truth", True]]),
        ("true = 1", [["true", 1]]),
        ('a = "${b} {{c}} # d /* e"', [["a", "${b} {{c}} # d /* e"]]),
        ("a = <<EOF\n  b\nxEOF\nEOF\nc = 1", [["a", "  b\nxEOF\n"], ["c", 1]]),
        ("a = <<-EOF\n    b\n      c\n    EOF\nd = 1", [["a", "b\n  c\n"], ["d", 1]]),
        ("a = <<-EOF\n  b\n    EOF\n", [["a", "  b\n"]]),
        ("a = [<<E\nb\nE\n, 2]", [["a", ["b\n", 2]]]),
        ("a = 1\r\nb = 2\r\n", [["a", 1], ["b", 2]]),
        ("node_id-x.y = 1", [["node_id-x.y", 1]]),
        ("{}", []),
        ("{ }", []),
        (
            ' \n{"a": {"b": [1, 2.5, null, true, "\\u00e9\\/"]}, "a": -0}',
            [["a", [["b", [1, 2.5, None, True, "é/"]]]], ["a", 0]],
        ),
    ],
)
def test_text_reads_as(text: str, expected: list[object] | None) -> None:
    found = plain(parse(text, limit=LIMIT))
    if expected is None:
        expected = [["a", -1], ["b", 31], ["c", 8], ["d", 1.5], ["e", -0.002], ["f", 100.0]]
    assert found == expected


def test_lines_and_columns_are_kept() -> None:
    body = parse('# x\na = <<E\n1\n2\nE\n\nb "l"\n{\n  c = "\\n" /* \n */ d =\n 1\n}\n', limit=LIMIT)
    a, b = body.entries
    assert isinstance(b.value, Body)
    c, d = b.value.entries
    assert [(one.key, one.line, one.column, one.value_at) for one in (a, b, c, d)] == [
        ("a", 2, 1, (2, 5)),
        ("b", 7, 1, (8, 1)),
        ("c", 9, 3, (9, 7)),
        ("d", 10, 5, (11, 2)),
    ]


@pytest.mark.parametrize(
    "text",
    [
        'path "x" { a = 1 }\npath "y" {}',
        '{"path": {"x": {"a": 1}, "y": {}}}',
        '{"path": [{"x": {"a": 1}}, {"y": [{}]}]}',
        "path { x { a = 1 } y {} }",
    ],
)
def test_labelled_blocks_are_the_same_in_every_form(text: str) -> None:
    blocks = [block for entry in parse(text, limit=LIMIT).entries for block in labelled(entry)]
    assert [(block.labels, plain(block.value)) for block in blocks] == [(("x",), [["a", 1]]), (("y",), [])]


@pytest.mark.parametrize("text", ["path = 1", 'path = ["a"]', '{"path": {"x": 1}}', '{"path": [{"x": {}}, null]}'])
def test_a_block_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(HclInvalid, match="must be a block"):
        list(labelled(parse(text, limit=LIMIT).entries[0]))


def test_too_long_a_text_is_not_looked_at() -> None:
    assert parse("a = 1", limit=5).entries
    with pytest.raises(HclInvalid, match="longer than 4 characters"):
        parse("a = 1", limit=4)


def test_depth_is_bounded_in_every_form() -> None:
    for opening, closing in (("a {", "}"), ("a = {", "}")):
        parse(opening * MAX_DEPTH + closing * MAX_DEPTH, limit=LIMIT)
        with pytest.raises(HclInvalid, match="nested levels"):
            parse((opening * 20_000), limit=LIMIT)
    with pytest.raises(HclInvalid, match="nested levels"):
        parse("a = " + "[" * 50_000, limit=LIMIT)
    with pytest.raises(HclInvalid, match="nested levels"):
        parse('{"a":' * 10_000, limit=LIMIT)
    with pytest.raises(HclInvalid, match="nested levels"):
        parse('{"a":' + "[" * 10_000, limit=LIMIT)


@pytest.mark.parametrize(
    "unit",
    [
        "/*",
        '"',
        '\\"',
        "a ",
        "a=1 ",
        "<<E\n",
        "a=<<E\nE\n",
        "a=<<-EEEE\n \nEEEE\n",
        "#\n",
        "-",
        "1",
        "[",
        '"a" ',
        "{",
        "  \n",
    ],
)
@pytest.mark.parametrize("start", ["", "a = ", 'a = "', "/*", "a = <<E\n", "a = [", '{"a": "'])
def test_time_is_linear_in_the_length(start: str, unit: str) -> None:
    text = (start + unit * LIMIT)[:LIMIT]
    began = time.process_time()
    with contextlib.suppress(HclInvalid):
        parse(text, limit=LIMIT)
    assert time.process_time() - began < 2.0  # quadratic work on this text takes minutes


WORDS = st.lists(
    st.sampled_from(
        [
            '"',
            "\\",
            "{",
            "}",
            "[",
            "]",
            "=",
            ",",
            ":",
            "a",
            "true",
            "1",
            "-",
            ".",
            "e",
            "\n",
            " ",
            "<<E\n",
            "E\n",
            "/*",
            "*/",
            "#",
            "//",
            "path",
            '"x"',
            "null",
            "\x00",
            "é",
            "\ufeff",
            "\ud800",
        ]
    ),
    max_size=60,
).map("".join)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=80), WORDS, WORDS.map(lambda text: "{" + text)))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        body = parse(text, limit=LIMIT)
    except HclInvalid as refused:
        assert 1 <= refused.line <= text.count("\n") + 1
    else:
        assert all(isinstance(entry, Entry) for entry in body.entries)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def as_json(value: Value) -> object:
    if isinstance(value, Body):
        return {entry.key: as_json(entry.value) for entry in value.entries}
    return [as_json(one) for one in value] if isinstance(value, tuple) else value


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), JSON_VALUES, max_size=4), st.booleans())
def test_json_reads_as_the_standard_library_reads_it(document: dict[str, object], ascii_only: bool) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only, indent=1)
    assert as_json(parse(text, limit=LIMIT)) == json.loads(text)
