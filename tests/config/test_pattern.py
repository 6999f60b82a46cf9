"""Patterns that Java may run, and those that would end a job."""

from __future__ import annotations

import pytest

from lepton_spark.config.pattern import PatternError, read_pattern


@pytest.mark.parametrize(
    ("text", "num_groups", "loops"),
    [
        ("^[A-Z0-9]{2}$", 0, False),
        ("(foo|bar){1,3}", 1, False),
        ("(a|b)?c", 1, False),
        (r"([0-9]{1,3}\.){3}[0-9]{1,3}", 1, False),
        ("([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}", 1, False),
        (r"(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}", 3, False),
        ("(ab)*", 1, False),
        ("(?:[a-z]|[0-9])*+", 0, False),
        (".{10,}", 0, False),
        ("(?i)straße|weg", 0, False),
        (r"[]\-^]\x41\u0041", 0, False),
        (r"(['\"])[^'\"]*\1", 1, False),
        ("^[A-Za-z]+(/[A-Za-z_+-]+)*$", 1, True),
        (r"[^@]+@([a-z0-9-]+\.)+[a-z]{2,}", 1, True),
    ],
)
def test_a_pattern_that_ends_is_read(text: str, num_groups: int, loops: bool):  # noqa: FBT001  # a table
    found = read_pattern(text)

    assert (found.num_groups, found.loops) == (num_groups, loops)


@pytest.mark.parametrize(
    "text",
    [
        "(?P<year>[0-9]{4})", "(a)?b(?(1)c|d)", "(?x)[a-z]+ # letters", "(?a)b", "(?#why)a",
        "a{,3}", "a{b", r"\U00000041", r"\N{DOLLAR SIGN}", r"\0", r"[\b]", "[a[b]", "[a&&b]",
        "(?<year>a)", r"\Qa\E", r"\p{L}",
    ],
)  # fmt: skip
def test_what_java_reads_otherwise_than_python_is_refused(text: str):
    with pytest.raises(PatternError, match="read it alike"):
        read_pattern(text)


@pytest.mark.parametrize(
    "text",
    [
        "([a-z]|[0-9])+", "(a+)+", "(a+b?)+", "(?:a|b)*", "(?:a?b)*", "(a|b)*?", "(a+){1,3}",
        "(?:a|b){1,50}", "((a|b){1,9}){1,9}", "(.)*", "(?:,a++|b)*", "(/[^,]+)*", "(?:(?:/a+)*,)*b",
        "(?:;(?:/a+){1,100}){1,100}", "a{1,2000}", ".{0,999}.{0,999}.{0,999}.{0,999}.{0,999}",
    ],
)  # fmt: skip
def test_what_a_long_text_makes_endless_is_refused(text: str):
    with pytest.raises(PatternError, match=r"too long|too often|more than 1000"):
        read_pattern(text)


@pytest.mark.parametrize("text", ["[", "(", "a)", "*", "a**", "[z-a]", "", "a" * 201, None, 5])
def test_what_is_no_pattern_is_refused(text: object):
    with pytest.raises(PatternError):
        read_pattern(text)
