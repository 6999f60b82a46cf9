from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lepton_spark.cli import main
from lepton_spark.config.contract import load_contract


@pytest.fixture
def profiled(capsys, tmp_path):
    """Profile a file of some content: the facts, and the lines for people before them."""

    def profile(content, *options, name="a.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        assert main(["profile", str(path), *options]) == 0
        *lines, facts = capsys.readouterr().out.splitlines()
        return json.loads(facts), lines

    return profile


def column(cells, header="c"):
    """A file of two columns, of which the first holds some cells."""
    return f"{header};x\n" + "".join(f"{cell};y\n" for cell in cells)


SEMICOLONS = ("--format", "delimiter=;")


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        ([*["7"] * 9, "x7"], "9 of 10 are integers"),
        ([*["7"] * 4, *["7.5"] * 5, "x7"], "9 of 10 are numbers"),
        ([*["7"] * 9, "7.5"], "9 of 10 are integers"),
        ([*["TRUE"] * 9, "yes"], "9 of 10 are booleans"),
        ([*["2024-05-01"] * 9, "01.05."], "9 of 10 are dates"),
        ([*["2024-05-01T10:00:00Z"] * 9, "soon"], "9 of 10 are instants"),
        (["12345678901234567890"], "1 of 1 are integers, some of more than 64 bits"),
    ],
)
def test_what_nearly_all_cells_are_is_told(profiled, cells, note):
    facts, lines = profiled(column(cells), *SEMICOLONS)

    assert facts["notes"] == {"c": [note]}
    assert lines[2].endswith(f"  {note}")


def test_what_fewer_cells_are_is_not_told(profiled):
    facts, _ = profiled(column([*["7"] * 8, "x7", "x8"]), *SEMICOLONS)

    assert (facts["notes"], facts["hints"]) == ({}, [])


@pytest.mark.parametrize("word", ["?", "N/A", "n/a", "null", "None", "-", ".", "unknown", "NaN"])
def test_a_word_that_may_mean_no_value_is_told_with_the_setting_that_says_so(profiled, word):
    facts, _ = profiled(column([*["7"] * 18, word, word]), *SEMICOLONS)

    assert facts["notes"]["c"] == ["18 of 20 are integers", f"{word} in 2 rows: no value?"]
    nulls = f'csv.nulls: ["", "NA", "{word}"]'
    assert facts["hints"] == [f"if no value is meant by {word}: {nulls}"]
    facts, _ = profiled(column(["7", word]), *SEMICOLONS, "--format", f"nulls={word}")
    assert (facts["columns"]["c"], facts["notes"]) == ("integer", {})


def test_the_words_of_all_columns_come_into_one_setting(profiled):
    facts, _ = profiled("a,b\n?,-\n1,2\n?,2\n", "--format", 'nulls=[""]')

    assert facts["hints"] == ['if no value is meant by ?, -: csv.nulls: ["", "?", "-"]']


def test_a_word_that_means_no_value_already_is_not_set_again(profiled):
    facts, _ = profiled(column(["7", " NA"]), *SEMICOLONS)

    assert facts["notes"]["c"][0] == "NA in 1 row: no value?"
    assert not any("csv.nulls" in hint for hint in facts["hints"])


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        ([*range(28), *[999] * 12], "999 in 30 % of the rows"),
        ([*range(1, 6), 99], "99 in 17 % of the rows"),
        (["3.5", "8", "-99.99"], "-99.99 in 33 % of the rows"),
        (["2,6", "3,5", "-200"], "-200 in 33 % of the rows"),
        ([0, 5, 871, -1], "-1 in 25 % of the rows"),
    ],
)
def test_a_number_apart_from_the_rest_may_mean_no_value(profiled, cells, note):
    facts, _ = profiled(column(cells), *SEMICOLONS)

    number = note.partition(" ")[0]
    assert f'{note}: no value? clean.c.nulls: ["{number}"]' in facts["notes"]["c"]


@pytest.mark.parametrize(
    "cells",
    [
        [*range(17, 99), 99],
        [-1, 0, 1],
        [-1, 1],
        [*range(1_000), 9999],
        [-9, -8, 35],
        [-1, -1],
        ["x1", "x2", 5, 6, 999],
        [*range(1, 900), 999, 1000],
    ],
    ids=[
        "ages",
        "three labels",
        "two labels",
        "too few",
        "cold",
        "no rest",
        "no numbers",
        "within",
    ],
)
def test_a_number_that_may_well_be_one_is_not_told(profiled, cells):
    facts, _ = profiled(column(cells), *SEMICOLONS)

    assert "no value?" not in json.dumps(facts["notes"])


@pytest.mark.parametrize(
    ("cells", "patterns"),
    [
        (["31.12.2023", "01.05.2024", "?"], "dd.MM.yyyy"),
        (["31.12.2023", "1.5.2024"], "d.M.yyyy"),
        (["31/12/2023"], "dd/MM/yyyy"),
        (["12/31/2023"], "MM/dd/yyyy"),
        (["01/02/2023"], "dd/MM/yyyy or MM/dd/yyyy"),
        (["24/3/2007"], "d/M/yyyy"),
        (["20240101", "20231231"], "yyyyMMdd"),
    ],
)
def test_a_date_in_another_form_is_told_with_its_pattern(profiled, cells, patterns):
    facts, _ = profiled(column(cells), *SEMICOLONS)

    first = patterns.split(" or ")[0]
    note = f'looks like {patterns}: a date by clean.c.formats: ["{first}"]'
    assert note in facts["notes"]["c"]


@pytest.mark.parametrize(
    ("cells", "patterns"),
    [
        (["2024-01-01 10:00:00", "2024-01-01 23:59:59"], "yyyy-MM-dd HH:mm:ss"),
        (["2024-01-01 10:00:00.5"], "yyyy-MM-dd HH:mm:ss.SSSSSS"),
        (["12/13/2010 8:26"], "M/d/yyyy H:mm"),
        (["19/07/2008 11:55:00"], "dd/MM/yyyy HH:mm:ss"),
        (["12/31/2010 08:26:00 PM"], "MM/dd/yyyy hh:mm:ss a"),
    ],
)
def test_a_local_time_is_told_with_its_pattern(profiled, cells, patterns):
    facts, _ = profiled(column(cells), *SEMICOLONS)

    assert facts["notes"]["c"] == [f"looks like {patterns}: name it under times"]


@pytest.mark.parametrize(
    "cells", [["31.12.2023", "soon"], ["20241301", "20240101"], ["2024-01-01"]]
)
def test_a_pattern_that_does_not_fit_all_cells_or_is_not_needed_is_not_told(profiled, cells):
    facts, _ = profiled(column(cells), *SEMICOLONS)

    assert facts["notes"] == {}


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        (["2,5", "10", "-0,25"], 'a decimal comma: clean.c.number: {decimal: ","}'),
        (
            ["-1.234,50 EUR", "7,00 EUR"],
            "a decimal comma and the unit EUR:"
            ' clean.c.number: {decimal: ",", thousands: ".", units: {"EUR": 1}}',
        ),
        (["€5", "7 EUR"], "the unit EUR or €: clean.c.number: {units: {...}}"),
        (["1,234,567", "12"], 'commas between thousands: clean.c.number: {thousands: ","}'),
        (["1 234,5", "12"], 'a decimal comma: clean.c.number: {decimal: ",", thousands: " "}'),
        (["1,234"], 'a decimal comma: clean.c.number: {decimal: ","}, or thousands: ","'),
        (["50%"], 'the unit %: clean.c.number: {units: {"%": 1}}'),
    ],
)
def test_numbers_as_people_write_them_are_told_with_their_setting(profiled, cells, note):
    facts, _ = profiled(column(cells), *SEMICOLONS)

    assert facts["notes"]["c"] == [f"numbers with {note}"]


@pytest.mark.parametrize(
    "cells", [["C85", "E46"], ["007", "08"], ["1.5.2", "1,2,3"], ["1.5", "2,5"], ["5 apples"]]
)
def test_codes_are_no_numbers_with_a_unit(profiled, cells):
    facts, _ = profiled(column(cells), *SEMICOLONS)

    assert facts["notes"] == {}


def test_blanks_around_texts_are_told_but_not_those_around_numbers(profiled):
    facts, _ = profiled("n, t\n1, x\n 2,y\n3,z \n")

    assert facts["notes"] == {"t": ["2 begin or end with a blank"]}
    assert "csv.trim: true" in facts["hints"][0]
    facts, _ = profiled('n,t\n1, x\n2," y"\n', "--format", "trim=true")
    assert facts["notes"] == {"t": ["1 begin or end with a blank: clean.t.blanks: trim"]}
    assert facts["hints"] == []


def test_a_number_with_another_blank_is_no_other_number(profiled):
    facts, _ = profiled(column(["5\u00a0", "6"]), *SEMICOLONS)

    assert facts["notes"] == {"c": ["1 begin or end with a blank"]}


def test_a_column_that_may_lack_values_is_not_required(profiled, tmp_path):
    options = ("--write-contract", "a", "--conf-dir", str(tmp_path))
    profiled("a,b,c\n?,1,x\n1,2,y\n2,-99,z\n", *options)

    required = {each.name: each.required for each in load_contract(tmp_path, "a").columns}
    assert required == {"a": False, "b": False, "c": True}


def test_no_cell_is_shown_but_for_words_and_numbers_that_many_files_hold(profiled):
    cells = ["Ada 7301", "12.345,67 EUR", "31.12.1977", "secret", "?", " padded "]
    facts, lines = profiled("".join(f"{cell};7301\n" for cell in ["c", *cells]), *SEMICOLONS)

    told = json.dumps(facts) + "".join(lines[2:])
    assert not [word for word in ("Ada", "345", "1977", "secret", "padded") if word in told]


def test_a_local_time_of_parquet_is_told_with_the_pattern_that_landing_writes(profiled, tmp_path):
    times = pa.array(["2024-01-01T10:00:00"]).cast(pa.timestamp("ns"))
    pq.write_table(pa.table({"at": times, "no": pa.nulls(1, pa.timestamp("s"))}), tmp_path / "b")

    facts, _ = profiled((tmp_path / "b").read_bytes(), name="a.parquet")

    note = "local time, yyyy-MM-dd'T'HH:mm:ss.SSSSSS: name it under times"
    assert (facts["columns"]["at"], facts["notes"]) == ("string", {"at": [note], "no": [note]})


def test_a_text_of_parquet_that_holds_numbers_is_told_with_the_setting_that_reads_it(
    profiled, tmp_path
):
    pq.write_table(pa.table({"id": ["1", "2"]}), tmp_path / "b")

    facts, _ = profiled((tmp_path / "b").read_bytes(), name="a.parquet")

    way = "parquet.from_text: true reads them"
    assert facts["notes"] == {"id": [f"2 of 2 are integers, written as text: {way}"]}


def test_rows_without_a_value_are_told_as_what_they_are_refused_for(profiled):
    facts, lines = profiled("a;b;c\n1;2;3\n;;\n;;\n4;5;6\n\n\n", *SEMICOLONS)

    assert (facts["rows"], facts["refused"]) == (6, {"all_null_key": 4})
    assert lines[-1] == "4 of 6 rows hold no value: refused as all_null_key"
    facts, _ = profiled("a,b\nNA,\n{}\n1,2\n")
    assert facts["refused"] == {"all_null_key": 1, "short_row": 1}


def test_a_single_column_without_a_value_may_have_its_key_elsewhere(profiled):
    facts, _ = profiled("a\n1\n\n2\n")

    told = "1 of 3 rows hold no value: refused as all_null_key unless their key is made by `origin`"
    assert facts["hints"] == [told]


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("a;b;c\n1;2;3\n", "the first line holds ; 2 times: try --format delimiter=';'"),
        ("a|b\n1|2\n", "the first line holds | 1 times: try --format delimiter='|'"),
        ("a\tb\tc\n", r"the first line holds \t 2 times: try --format delimiter='\t'"),
    ],
)
def test_another_delimiter_is_suggested_and_not_taken(profiled, content, hint):
    facts, _ = profiled(content)

    assert (len(facts["columns"]), facts["hints"]) == (1, [hint])


@pytest.mark.parametrize(
    "content", ["a,b,c;d;e\n1,2,3\n", "a\n1\n", ",a,,\n1,2,3,4\n", '"a;b",c,d\n1,2,3\n']
)
def test_no_delimiter_is_suggested_where_that_of_the_form_gives_as_many_columns(profiled, content):
    facts, _ = profiled(content, "--format", "extra_columns=ignore")

    assert facts["hints"] == []


@pytest.mark.parametrize("form", [[], ["--format", "extra_columns=ignore"]])
def test_a_column_without_a_name_is_left_out_of_the_contract(profiled, tmp_path, form):
    options = ("--write-contract", "a", "--conf-dir", str(tmp_path))
    facts, _ = profiled(",a\n0,7\n1,8\n", *options, *form)

    assert [each.name for each in load_contract(tmp_path, "a").columns] == ["a"]
    told = "column 1 has no name: left out of the contract, which needs csv.extra_columns: ignore"
    assert facts["hints"] == ([told] if not form else [])


def test_where_all_rows_are_refused_nothing_is_told_of_columns(profiled, capsys, tmp_path):
    facts, lines = profiled("a,b\n1,2,3\n4,5,6\n7\n")

    assert [line.split() for line in lines[3:5]] == [["a", "-", "-"], ["b", "-", "-"]]
    assert facts["hints"][0].startswith("no row is left to tell types by. long_row: a cell too")
    assert "short_row: a cell is missing" in facts["hints"][0]
    options = ["--write-contract", "a", "--conf-dir", str(tmp_path)]
    assert main(["profile", str(tmp_path / "a.csv"), *options]) == 20
    assert "LS-2022" in capsys.readouterr().err
    assert not (tmp_path / "contracts").exists()


@pytest.mark.parametrize(
    "content", ['[\n{"a":1},\n{"a":2}\n]\n', '{"n": 1, "rows": [\n{"a":1}\n]}']
)
def test_a_document_over_several_lines_is_told_as_one(profiled, content):
    facts, _ = profiled(content, name="a.json")

    assert facts["hints"][0].startswith("is it one document? add --format records=.")


def test_damaged_lines_of_json_are_no_document(profiled):
    facts, _ = profiled('{"a":1}\n{"a":\n{"a"\n', name="a.jsonl")

    assert facts["hints"] == []


def test_what_json_has_in_quotes_is_text_unless_it_is_a_date(profiled):
    lines = [{"id": "345", "n": 7, "on": "2024-05-01", "is": "true", "in": {"no": "8"}}] * 2
    facts, _ = profiled("\n".join(map(json.dumps, lines)), name="a.jsonl")

    kinds = {"id": "string", "n": "integer", "on": "date", "is": "string", "in_no": "string"}
    assert facts["columns"] == kinds
    assert facts["notes"]["id"] == ["2 of 2 are integers, written as text"]
    facts, _ = profiled('{"n":5}\n{"n":"NA"}\n', "--format", "nulls=NA", name="a.jsonl")
    assert facts["columns"] == {"n": "integer"}
    document = json.dumps({"rows": lines})
    facts, _ = profiled(document, "--format", "records=rows", name="b.json")
    assert facts["columns"] == kinds
