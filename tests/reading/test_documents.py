"""JSON, TOML and XML: what the standard library reads within the budgets is read alike, everything else is named."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.errors import ConfigError, FormatError
from poseharvest.reading import documents
from poseharvest.reading.budgets import MAX_DEPTH, MAX_TOML_BYTES
from poseharvest.reading.documents import load_json, load_toml, load_xml, parse_json, parse_toml_value

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None)
@given(PLAIN, st.booleans())
def test_json_comes_back(document, is_ascii):
    text = json.dumps(document, ensure_ascii=is_ascii)
    assert parse_json(text, "a.json") == document


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from('[]{}"\\,:1a ')))
def test_any_text_is_read_as_the_library_reads_it_or_named(text):
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(FormatError, match=r"^a\.json: "):
            parse_json(text, "a.json")
    else:
        assert parse_json(text, "a.json") == expected


@pytest.mark.parametrize("form", ['[{"a": %s}]', '{"[[[[": %s}', '["\\"[", %s]'])
def test_the_depth_is_counted_without_texts(form):
    def nested(depth):
        return form % ("[" * depth + "]" * depth)

    outer = 2 if form.startswith("[{") else 1
    assert parse_json(nested(MAX_DEPTH - outer), "a.json")
    with pytest.raises(FormatError, match="expected lists and tables at most 64 deep"):
        parse_json(nested(MAX_DEPTH - outer + 1), "a.json")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 50_000, "at most 64 deep"),
        ("9" * 5000, "a whole number of 5000 digits"),
        ('["\\ud800"]', "a text holds half a character"),
        ('{"\\udc00": 1}', "a text holds half a character"),
        ('{"a": 1, "a": 2}', "expected every name once, got twice: a"),
        ("[1", "line 1"),
    ],
)
def test_json_that_would_fail_later_is_refused(text, reason):
    with pytest.raises(ConfigError, match=reason):
        parse_json(text, "a.json", error=ConfigError)


def test_whole_characters_written_in_two_halves_are_read():
    assert parse_json('"\\ud83d\\ude00"', "a") == "\U0001f600"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a = " + b"[" * 50_000, "lists or tables that are nested too deeply"),
        (b"a = " + b"9" * 5000, "Exceeds the limit"),
        (b"a." * 5000 + b"b = 1", "expected tables at most 64 deep"),
        (b"a = 1 \xff\0", "binary data"),
        (b"a = 1\n" * (MAX_TOML_BYTES // 6 + 1), "expected at most 1 MB of TOML"),
    ],
)
def test_toml_that_nobody_writes_is_refused(tmp_path, data, reason):
    path = tmp_path / "a.toml"
    path.write_bytes(data)
    with pytest.raises(FormatError, match=reason):
        load_toml(path)


def test_a_value_on_the_command_line_is_toml_or_refused():
    assert parse_toml_value("[1, 2]") == tomllib.loads("a = [1, 2]")["a"]
    for text in ("[" * 50_000, "9" * 5000, "a b", "1" * (MAX_TOML_BYTES + 1)):
        with pytest.raises(ValueError, match=r"."):
            parse_toml_value(text)


def test_xml_cannot_unpack_into_more_than_it_is(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text("<a><b/></a>")
    assert load_xml(path)[0].tag == "b"
    path.write_text('<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><l>&b;</l>')
    with pytest.raises(FormatError, match=r"a\.xml: XML with entity definitions is refused"):
        load_xml(path)


def test_too_many_elements_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "MAX_ELEMENTS", 10)
    path = tmp_path / "a.xml"
    path.write_text(f"<a>{'<b/>' * 20}</a>")
    with pytest.raises(FormatError, match="expected at most 10 elements"):
        load_xml(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "MAX_TEXT_BYTES", 100)
    path = tmp_path / "a.json"
    path.write_text(json.dumps(list(range(100))))
    with pytest.raises(FormatError, match=r"a\.json: expected at most"):
        load_json(path)


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8", "utf-8-sig"])
def test_xml_in_every_width_with_and_without_a_mark(tmp_path, coding):
    path = tmp_path / "a.xml"
    path.write_bytes('<?xml version="1.0"?>\r\n<a name="für"/>'.encode(coding))
    assert load_xml(path).get("name") == "für"
