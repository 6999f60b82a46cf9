from __future__ import annotations

import json

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lepton_spark.cli import main
from lepton_spark.config.contract import load_contract


@pytest.fixture
def visits(tmp_path):
    path = tmp_path / "visits.csv"
    path.write_text("visit;patient name\n1;Ada Lovelace\n2;\n")
    return path


def run(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    found = capsys.readouterr()
    return code, found.out, found.err


def test_a_file_becomes_a_contract_that_a_person_edits(capsys, tmp_path, visits):
    semicolons = ("--format", "delimiter=';'")
    options = ("--write-contract", "visits", "--conf-dir", tmp_path)

    code, out, _ = run(capsys, "profile", visits, *semicolons, *options)

    assert code == 0
    found = {each.name: each.kind for each in load_contract(tmp_path, "visits").columns}
    assert found == {"visit": "integer", "patient_name": "string"}
    assert json.loads(out.splitlines()[-1])["rows"] == 2
    assert "50.0%" in out
    assert "Ada" not in out
    code, _, err = run(capsys, "profile", visits, *semicolons, *options)
    assert (code, "LS-0213" in err) == (2, True)


BLANKS = ["delimiter=blanks", "quote=null", "header=false"]


@pytest.mark.parametrize(
    ("file", "settings", "columns"),
    [
        (("a.tsv", "x\ty\n1\t2\n"), [], ["x", "y"]),
        (("a.jsonl", '{"x": 1}\n'), [], ["x"]),
        (("a.dat", "12\n"), ["columns={a: [1, 1], b: [2, 2]}"], ["a", "b"]),
        (("a.txt", "1 2\n"), BLANKS, ["column_1", "column_2"]),
        (("sales-idx2.csv", "x,y\n1,2\n"), [], ["x", "y"]),
        (("a.csv", "x,y\n1,2\n"), ["delimiter=,"], ["x", "y"]),
        (("a.csv", "x|y\n1|2\n"), ["delimiter=|"], ["x", "y"]),
        (("a.csv", "x*y\n1*2\n"), ["delimiter=*"], ["x", "y"]),
        (("a.csv", "x\ty\n1\t2\n"), ["delimiter=\t"], ["x", "y"]),
        (("a.csv", "x\ty\n1\t2\n"), [r"delimiter=\t"], ["x", "y"]),
        (("a.csv", "x\ty\n1\t2\n"), [r"delimiter='\t'"], ["x", "y"]),
        (("a.psv", "x|y\n1|2\n"), [], ["x", "y"]),
        (("a.csv", "'x',y\n1,2\n"), ["quote='", "delimiter=,"], ["x", "y"]),
        (("a.csv", "above\nx,y\n1,2\n"), ["skip_lines=1"], ["x", "y"]),
    ],
)
def test_the_format_is_told_by_the_ending_or_by_options(capsys, tmp_path, file, settings, columns):
    name, content = file
    (tmp_path / name).write_text(content)
    options = [part for setting in settings for part in ("--format", setting)]

    code, out, _ = run(capsys, "profile", tmp_path / name, *options, "--json")

    assert (code, list(json.loads(out)["columns"])) == (0, columns)


def test_what_cannot_be_read_is_told(capsys, tmp_path, visits):
    assert run(capsys, "profile", tmp_path / "none.csv")[0] == 2
    code, _, err = run(capsys, "profile", visits, "--format", "delimeter=;")
    assert (code, "LS-0212" in err, "delimeter" in err) == (2, True, True)
    (tmp_path / "empty.csv").write_text("")
    assert run(capsys, "profile", tmp_path / "empty.csv")[0] == 20


def test_a_delta_table_is_profiled_by_its_newest_rows_with_its_partitions(capsys, tmp_path):
    table = tmp_path / "orders"
    old, new = {"day": ["2024-05-01"], "id": [1]}, {"day": ["2024-05-02"], "id": [2], "shop": [3.5]}
    write_deltalake(table, pa.table(old), partition_by=["day"])
    write_deltalake(table, pa.table(new), mode="append", schema_mode="merge")

    code, out, _ = run(capsys, "profile", table, "--json")

    assert code == 0
    assert json.loads(out)["columns"] == {"id": "integer", "shop": "number", "day": "date"}


def test_a_delta_table_whose_newest_file_is_gone_is_profiled_by_the_one_before(capsys, tmp_path):
    table = tmp_path / "orders"
    for number in (1, 2):
        write_deltalake(table, pa.table({"id": [number]}), mode="append")
    newest = max(table.glob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)
    newest.unlink()

    code, out, _ = run(capsys, "profile", table, "--json")

    assert (code, json.loads(out)["rows"]) == (0, 1)
    for path in table.glob("*.parquet"):
        path.unlink()
    code, _, err = run(capsys, "profile", table)
    assert (code, "LS-2156" in err) == (20, True)


@pytest.mark.parametrize("setting", ["delimiter=': ", "columns={a: [1, 2", "nulls=2024-99-99"])
def test_a_setting_that_is_no_yaml_is_told(capsys, visits, setting):
    code, _, err = run(capsys, "profile", visits, "--format", setting)

    assert (code, "LS-0212" in err, setting.partition("=")[0] in err) == (2, True, True)


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        (["delimiter=blanks"], "between blanks quotes mean nothing; write quote: null."),
        (["delimiter=::"], "delimiter must have at most 1 character, or must be 'blanks'."),
        (["nulls=[3]"], "nulls must be a valid string."),
        (["skip_lines=-1"], "skip_lines must be greater than or equal to 0."),
        (["delimeter=;"], "delimeter is no setting of Csv: did you mean delimiter?"),
    ],
)
def test_a_setting_that_does_not_fit_is_told_by_its_key_and_what_it_takes(
    capsys, visits, settings, what
):
    options = [part for setting in settings for part in ("--format", setting)]

    code, _, err = run(capsys, "profile", visits, *options)

    assert (code, err.splitlines()[0]) == (2, f"LS-0212: --format {what}")


@pytest.mark.parametrize("text", ["?", "'?'", "NA", "-9.90", "null", "[NA, '?', '-9.90', 'null']"])
def test_one_text_alone_is_a_list_of_texts(capsys, tmp_path, text):
    cell = {"'?'": "?"}.get(text, text) if "[" not in text else "NA"
    (tmp_path / "a.csv").write_text(f"a,b\n{cell},1\n2,1\n")

    code, out, _ = run(capsys, "profile", tmp_path / "a.csv", "--format", f"nulls={text}")

    facts = json.loads(out.splitlines()[-1])
    assert (code, facts["columns"]["a"], "50.0%" in out) == (0, "integer", True)


def test_a_name_in_a_file_cannot_steer_a_terminal(capsys, tmp_path):
    (tmp_path / "a.csv").write_text("a\x1b[2Jb,c\n1,2\n")

    _, out, _ = run(capsys, "profile", tmp_path / "a.csv")

    assert ("\x1b" in out, r"a\x1b[2Jb" in out) == (False, True)


def test_an_array_is_still_told_by_its_name(capsys, tmp_path):
    (tmp_path / "labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01\0\0\0\x01\x05")

    code, out, _ = run(capsys, "profile", tmp_path / "labels-idx1-ubyte", "--json")

    assert (code, list(json.loads(out)["columns"])) == (0, ["index", "value"])


def test_a_key_with_a_dot_has_values(capsys, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"user.name": "x", "\\ud800": 1}\n')

    code, _, err = run(capsys, "profile", tmp_path / "a.jsonl")
    assert (code, "LS-20" in err) == (20, True)
    (tmp_path / "a.jsonl").write_text('{"user.name": "x"}\n')
    code, out, _ = run(capsys, "profile", tmp_path / "a.jsonl")
    assert (code, "0.0%" in out) == (0, True)
    assert "100.0%" not in out


def test_a_text_column_of_a_delta_table_stays_text(capsys, tmp_path):
    rows = {"id": ["1"], "day": ["2024-05-01"], "minutes": [5]}
    write_deltalake(tmp_path / "orders", pa.table(rows))

    _, out, _ = run(capsys, "profile", tmp_path / "orders", "--json")
    _, told, _ = run(capsys, "profile", tmp_path / "orders", "--json", "--format", "from_text=true")

    assert json.loads(out)["columns"] == {"id": "string", "day": "string", "minutes": "integer"}
    assert json.loads(told)["columns"] == {"id": "integer", "day": "date", "minutes": "integer"}


def test_rows_that_would_be_refused_are_told_without_their_cells(capsys, tmp_path):
    content = "a,b\n" + "7301,7302,7303\n" * 1200 + "7301\n"
    (tmp_path / "a.csv").write_text(content)

    code, out, _ = run(capsys, "profile", tmp_path / "a.csv")

    lines = out.splitlines()
    refused = "1,201 of 1,201 rows would be refused: long_row 1,200, short_row 1"
    assert (code, lines[:2]) == (0, ["1,201 rows", refused])
    assert json.loads(lines[-1])["refused"] == {"long_row": 1200, "short_row": 1}
    assert "730" not in out


def test_nothing_is_said_of_refused_rows_where_there_are_none(capsys, visits):
    _, out, _ = run(capsys, "profile", visits, "--format", "delimiter=;")

    assert "would be refused" not in out
    assert json.loads(out.splitlines()[-1])["refused"] == {}


@pytest.mark.parametrize("content", ["[1,2]\n", "[]", '[\n  {\n    "a": 1\n  }\n]\n'])
def test_a_json_document_is_no_object_a_line(capsys, tmp_path, content):
    (tmp_path / "a.json").write_text(content)

    code, _, err = run(capsys, "profile", tmp_path / "a.json")

    assert (code, "LS-2022" in err) == (20, True)
    assert "is it one document? add --format records=." in err


def test_an_array_with_an_object_a_line_has_rows_that_would_be_refused(capsys, tmp_path):
    (tmp_path / "a.json").write_text('[\n{"a":1},\n{"a":2}\n]\n')

    code, out, _ = run(capsys, "profile", tmp_path / "a.json")
    assert (code, json.loads(out.splitlines()[-1])["refused"]) == (0, {"bad_json": 3})
    assert "3 of 4 rows would be refused: bad_json 3" in out
    code, out, _ = run(capsys, "profile", tmp_path / "a.json", "--format", "records=.")
    assert (code, json.loads(out.splitlines()[-1])["rows"], "refused:" in out) == (0, 2, False)
