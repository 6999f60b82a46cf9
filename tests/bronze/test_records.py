from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_spark.bronze import records as module
from lepton_spark.bronze.records import CELL_LIMIT, Dialect, Lines, records, split

DIALECT = Dialect(",", '"', 3)
TRIMMED = Dialect(",", '"', 3, trim=True)


def read(text, dialect=DIALECT):
    return list(records(Lines(io.StringIO(text, newline="")), dialect))


def found(text, dialect=DIALECT):
    return [(record.row, record.cells or record.problem) for record in read(text, dialect)]


def test_rows_are_numbered_by_the_line_they_start_on():
    assert found('1,2,3\n4,"a\nb",6\n7,8,9') == [
        (1, ["1", "2", "3"]),
        (2, ["4", "a\nb", "6"]),
        (4, ["7", "8", "9"]),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_any_kind_give_the_same_rows(end):
    text = '1,2,3\n4,"a\nb",6\n\n7,8\n'

    assert read(text.replace("\n", end)) == read(text)


def test_a_last_line_without_an_end_is_a_record():
    assert found("1,2,3\n4,5,6") == found("1,2,3\n4,5,6\n")


def test_an_empty_line_is_a_record_of_empty_cells():
    assert found("1,2,3\n\n") == [(1, ["1", "2", "3"]), (2, ["", "", ""])]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1,2", "short_row"),
        ("1,2,3,4", "long_row"),
        ('1,"2,3', "unclosed_quote"),
        ('1,"2"x,3', "unclosed_quote"),
        ("1,\ufffd,3", "bad_encoding"),
        ('1,"\ufffd",3', "bad_encoding"),
        ("1,\0,3", "nul_character"),
    ],
)
def test_a_broken_line_is_kept_with_its_reason(line, problem):
    record = read(f"{line}\n4,5,6\n")[0]

    assert (record.problem, record.raw) == (problem, line)


def test_an_unclosed_quote_swallows_no_later_line():
    assert found('1,"2,3\n4,5,6\n7,8",9\n') == [
        (1, "unclosed_quote"),
        (2, ["4", "5", "6"]),
        (3, ["7", '8"', "9"]),
    ]


def test_two_unclosed_quotes_do_not_close_each_other():
    assert found('1,"2,3\n4,"5,6\n7,8,9\n') == [
        (1, "unclosed_quote"),
        (2, "unclosed_quote"),
        (3, ["7", "8", "9"]),
    ]


def test_a_first_cell_may_go_on_over_lines():
    assert found('"a\nb",2,3\n') == [(1, ["a\nb", "2", "3"])]


def test_doubled_quotes_are_one():
    assert found('1,"a ""b"" c",3\n') == [(1, ["1", 'a "b" c', "3"])]


def test_a_cell_beyond_the_limit_is_refused_and_the_others_kept():
    record = read(f"1,{'x' * (CELL_LIMIT + 1)},3\n4,5,6\n")[0]

    assert (record.problem, record.cells) == ("cell_too_large", ["1", None, "3"])
    assert len(record.raw) == CELL_LIMIT


def test_a_line_without_end_does_not_fill_the_memory():
    class Endless:
        served = 0

        def readline(self, limit):
            self.served += 1
            return "x" * limit if self.served < 4 else ""

    first = next(records(Lines(Endless()), Dialect(",", '"', 1)))

    assert (first.problem, len(first.raw)) == ("cell_too_large", CELL_LIMIT)


def test_other_delimiters_and_quotes_are_read():
    assert found("1;'2;2';3\n", Dialect(";", "'", 3)) == [(1, ["1", "2;2", "3"])]


CELL = st.text(st.sampled_from("ab1 .-é"), max_size=5)
PLAIN = st.lists(CELL, min_size=3, max_size=3).map(",".join)
QUOTED = st.lists(CELL, min_size=3, max_size=3).map(lambda cells: '"' + '","'.join(cells) + '"')
DIRTY = st.text(st.sampled_from('ab,"\ufffd\0 '), max_size=12)
OPENING = st.sampled_from(['a,"b', 'a,"b,c', '"a', 'a,b,"c'])
CLOSING = st.sampled_from(['b",c', 'a,b",c', '",a,b', 'a"', '"'])
GOOD = st.tuples(st.just("good"), st.one_of(PLAIN, QUOTED))
BROKEN = st.tuples(st.just("broken"), st.one_of(DIRTY, OPENING, CLOSING))
TRAP = st.tuples(
    OPENING.map(lambda line: ("broken", line)), GOOD, CLOSING.map(lambda line: ("broken", line))
)
LINES = st.lists(st.one_of(st.tuples(GOOD), st.tuples(BROKEN), TRAP), max_size=10).map(
    lambda blocks: [line for block in blocks for line in block]
)


@settings(max_examples=500)
@given(lines=LINES, ends=st.sampled_from(["\n", "\r\n", "\r"]))
def test_every_line_belongs_to_one_record_and_good_ones_are_whole(lines, ends):
    text = "".join(line + ends for _, line in lines)

    got = read(text)

    # Each record starts where the one before it ended: no line is lost, none is read twice.
    next_row = 1
    for record in got:
        assert record.row == next_row
        next_row += 1 + sum((cell or "").count("\n") for cell in record.cells or [])
    assert next_row == len(lines) + 1
    # A line that is a record by itself is never swallowed by a broken one before it.
    by_row = {record.row: record for record in got}
    for number, (kind, line) in enumerate(lines, start=1):
        if kind == "good":
            assert by_row[number].cells == next(csv.reader([line]), [""])
            assert by_row[number].problem is None


def continued_anew(line, lines, dialect, _quiet):
    """What a record goes on with, looking at every line ahead of every line."""
    parts, length = [line], len(line)
    for index in range(module._SPAN_LINES):
        following = lines.peek(index)
        if following is None or length > module.CELL_LIMIT:
            break
        parts.append(following)
        length += len(following)
        if following.count(dialect.quote) % 2 == 1:
            text = "\n".join(parts)
            cells = split(text, dialect)
            is_whole = cells is not None and len(cells) == dialect.width
            return (text, index + 1) if is_whole else (line, 0)
        if dialect.width > 1 and module._is_record(following, dialect):
            break
    return line, 0


@settings(max_examples=500)
@given(
    lines=st.lists(st.text('",\\ a', max_size=9), max_size=25),
    width=st.sampled_from([1, 2, 3]),
    trim=st.booleans(),
    limits=st.sampled_from([(1000, CELL_LIMIT), (4, CELL_LIMIT), (1000, 20)]),
)
def test_what_is_remembered_of_lines_ahead_changes_no_record(lines, width, trim, limits):
    text, dialect = "\n".join(lines), Dialect(",", '"', width, trim)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SPAN_LINES", limits[0])
        patch.setattr(module, "CELL_LIMIT", limits[1])
        got = read(text, dialect)
        patch.setattr(module, "_continued", continued_anew)
        assert got == read(text, dialect)


@pytest.mark.parametrize("line", ['1,"say \\"hi\\"",3', 'a"b,"open'])
def test_many_broken_lines_are_looked_at_a_few_times_each(line):
    num_looks = 0

    class Counted(Lines):
        def peek(self, index):
            nonlocal num_looks
            num_looks += 1
            return super().peek(index)

    stream = io.StringIO(f"{line}\n" * 3000, newline="")
    found = list(records(Counted(stream), DIALECT))

    assert {record.problem for record in found} == {"unclosed_quote"}
    assert len(found) == 3000
    assert num_looks < 3 * 3000


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (" 1 ,\t2, 3\t", ["1", "2", "3"]),
        ('1, "2, 2" ,"3"\t', ["1", "2, 2", "3"]),
        (' " 1 ", "a ""b""",', [" 1 ", 'a "b"', ""]),
        ('1, 2"x" , 3', ["1", '2"x"', "3"]),
        ('1, "2"x, 3', "unclosed_quote"),
        ('1, "2, 3', "unclosed_quote"),
        ("1, 2", "short_row"),
        (" \t ", ["", "", ""]),
    ],
)
def test_blanks_around_a_cell_are_taken_off_and_those_in_quotes_stay(line, wanted):
    assert found(line, TRIMMED) == [(1, wanted)]


def test_a_quoted_cell_may_go_on_over_lines_behind_blanks():
    assert found('1, "a\nb" , 3\n4, 5, 6', TRIMMED) == [
        (1, ["1", "a\nb", "3"]),
        (3, ["4", "5", "6"]),
    ]


@pytest.mark.parametrize(("delimiter", "quote"), [("\t", '"'), (" ", "'"), ("^", "]"), ("\t", " ")])
def test_a_blank_or_a_letter_of_patterns_may_still_separate_where_blanks_are_taken_off(
    delimiter, quote
):
    line = delimiter.join(["1", f"{quote}a{quote}{quote}{delimiter}{quote}", "", "x"])

    assert split(line, Dialect(delimiter, quote, 4, trim=True)) == [
        "1",
        f"a{quote}{delimiter}",
        "",
        "x",
    ]


@given(st.text(st.sampled_from('ab,";'), max_size=15))
def test_without_blanks_a_trimmed_line_is_cut_like_any_other(line):
    assert (split(line, TRIMMED) or [""]) == (split(line, DIALECT) or [""])
    assert (split(line, TRIMMED) is None) == (split(line, DIALECT) is None)
