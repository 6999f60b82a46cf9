from __future__ import annotations

import json
from pathlib import Path

import pytest

from lepton_spark.cli import main, say
from lepton_spark.cli.statistics import show_profile

CONF = str(Path(__file__).parents[2] / "conf")
TEXT = {
    "kind": "text", "nulls": 1.0, "null_rate": 0.25, "distinct": 2.0, "length_mean": 3.5,
    "length_min": 0.0, "frequent": [{"value": "red\x1b[31m\nline " + "x" * 50, "rows": 1200.0}],
}  # fmt: skip
PROFILE = {
    "rows": 4000.0,
    "columns": {
        "day": {"kind": "date", "null_rate": 0.0, "distinct": 2.0, "min": "2024-02-28"},
        "note": TEXT,
        "patient": {"kind": "guarded", "nulls": 4.0, "null_rate": 1.0},
        "x": {"kind": "number", "null_rate": None, "distinct": 0.0},
    },
    "correlations": [["x", "y", -0.98765], ["x", "z", None]],
}


@pytest.mark.parametrize("name", ["outcome", "silver.flight_delay_outcome"])
def test_a_table_that_is_none_is_told_before_spark_starts(capsys, monkeypatch, name):
    monkeypatch.setattr(say, "execute", None)

    code = main(["statistics", "flight_delay", "--table", name, "--as-of", "2014-01-02",
                 "--conf-dir", CONF])  # fmt: skip

    captured = capsys.readouterr()
    assert code == 10
    assert json.loads(captured.out.splitlines()[-1])["code"] == "LS-1075"
    assert "outcomes" in captured.err


def test_no_date_is_assumed(capsys):
    assert main(["statistics", "flight_delay", "--conf-dir", CONF]) == 2
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["code"] == "LS-0202"


def test_a_profile_is_shown_with_a_line_a_column():
    lines = show_profile("silver.shop_orders", PROFILE).splitlines()

    assert lines[0] == "silver.shop_orders, 4,000 rows"
    assert lines[2].split() == ["day", "date", "0.0%", "2", "2024-02-28"]
    assert lines[4].split() == ["patient", "guarded", "100.0%"]
    assert lines[5].split() == ["x", "number", "0"]
    assert [line.split() for line in lines[-2:]] == [["x", "y", "-0.9877"], ["x", "z"]]


def test_a_value_cannot_steer_the_terminal():
    (line,) = [line for line in show_profile("t", PROFILE).splitlines() if line.startswith("note")]

    assert "red\\x1b[31m\\nline" in line
    assert line.endswith("...: 1,200")
