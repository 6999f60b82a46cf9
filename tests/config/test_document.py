import math
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_spark.config.document import parse_document, parse_value, read_document
from lepton_spark.errors import ConfigError


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_document(text, shown_as="x.yml")
    return caught.value.what


def test_keys_stay_text_whatever_they_look_like():
    values = parse_document("on: {no: 1, 7: 2, null: 3, y: 4}", shown_as="x.yml").values

    assert values == {"on": {"no": 1, "7": 2, "null": 3, "y": 4}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("", None),
        ("3", 3),
        ("-3", -3),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("2013-09-01", "2013-09-01"),
        ("03:00", "03:00"),
        ("'no'", "no"),
        ('"1"', "1"),
        ("local[2]", "local[2]"),
        ("[a, 1, [b]]", ["a", 1, ["b"]]),
    ],
)
def test_a_plain_value_has_one_meaning(text: str, value: object):
    parsed = parse_value(text, shown_as="--set")

    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize("text", ["0517", "0x1F", "0o17", "1_000", "on", "Y"])
def test_a_value_that_readers_disagree_about_must_be_quoted(text: str):
    assert "without quotes" in refusal(f"a: {text}")


def test_not_a_number_is_read_so_that_a_range_can_refuse_it():
    assert math.isnan(parse_value(".nan", shown_as="--set"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [1, 2", "x.yml:"),
        ("a: 1\n---\nb: 2", "second document"),
        ("[1]", "no mapping"),
        ("", "no mapping"),
        ("? [a]\n: 1", "key is not text"),
        ("a: *b", "alias *b"),
        ("a: &a [*a]", "alias *a"),
        ("a: !x 1", "tag"),
        ("!!map {a: 1}", "tag"),
        ("a: \x07", "character"),
        ("a: " + "[" * 100_000, "nested deeper"),
        ("a: {b: 1, b: 2}", "'b' is there twice"),
    ],
)
def test_what_is_not_strict_yaml_is_refused(text: str, told: str):
    assert told in refusal(text)


def test_an_alias_repeats_a_complete_value():
    values = parse_document("a: &x [1, 2]\nb: *x", shown_as="x.yml").values

    assert values == {"a": [1, 2], "b": [1, 2]}


def test_what_an_alias_gave_is_changed_in_one_place_only():
    values = parse_document("a: &x {b: {c: 1}}\nd: *x", shown_as="x.yml").values

    values["a"]["b"]["c"] = 2

    assert values["d"] == {"b": {"c": 1}}


def test_a_place_is_line_and_column_and_a_missing_key_has_its_parents_place():
    document = parse_document("a:\n  b:\n  - c: 1\n", shown_as="x.yml")

    assert document.place_of(("a", "b", 0, "c")) == "x.yml:3:5"
    assert document.place_of(("a", "b", 0, "missing")) == "x.yml:3:5"
    assert document.place_of(()) == "x.yml"


def test_bytes_that_are_not_utf8_are_told_with_their_line(tmp_path: Path):
    path = tmp_path / "x.yml"
    path.write_bytes(b"a: 1\nb: \xff\n")

    with pytest.raises(ConfigError, match=r"x\.yml:2: the file is not UTF-8"):
        read_document(path, root=tmp_path)


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path):
    path = tmp_path / "x.yml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")

    assert read_document(path, root=tmp_path).values == {"a": 1}


def test_the_python_parser_reads_the_same_as_libyaml(monkeypatch: pytest.MonkeyPatch):
    text = "a: &x {b: [1, 'no', 2.5, true]}\nc: *x\n"
    fast = parse_document(text, shown_as="x.yml")
    monkeypatch.setattr("lepton_spark.config.document._LOADER", yaml.SafeLoader)

    slow = parse_document(text, shown_as="x.yml")

    assert (slow.values, slow.places) == (fast.values, fast.places)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=30)
@given(st.dictionaries(st.text(), PLAIN, max_size=4))
def test_what_a_writer_of_yaml_wrote_is_read_back(values: dict[str, object]):
    text = yaml.dump(values, default_style='"', Dumper=_Quoting, allow_unicode=False)

    assert parse_document(text, shown_as="x.yml").values == values


class _Quoting(yaml.SafeDumper):
    """Quotes text only, and writes no tags."""

    def ignore_aliases(self, _: object) -> bool:
        return True

    def represent_scalar(self, tag, value, style=None):
        style = '"' if tag == "tag:yaml.org,2002:str" else ""
        return super().represent_scalar(tag, value, style=style)


@given(st.text(max_size=200))
def test_any_text_gives_a_document_or_a_config_error(text: str):
    try:
        parse_document(text, shown_as="x.yml")
    except ConfigError as error:
        assert error.exit_code == 10
