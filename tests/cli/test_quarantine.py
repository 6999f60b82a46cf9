from __future__ import annotations

import json
from pathlib import Path

import pytest

from lepton_spark.cli import main
from lepton_spark.cli.quarantine import listing
from lepton_spark.cli.tables import printable

CONF = ("--conf-dir", str(Path(__file__).parents[2] / "conf"))
REASON = {
    "source": "visits",
    "reason": "not_number:weight",
    "rows": 1200,
    "files": 2,
    "first_arrived_at": "2024-02-28 01:00:00",
    "last_arrived_at": "2024-02-29 01:00:00",
    "examples": ["visits/\x1b[31m\u202e2024.csv:3"],
    "hint": "set number.decimal",
}


@pytest.mark.parametrize(
    ("arguments", "code", "fix"),
    [
        (["--replay"], "LS-0202", "--as-of"),
        (["--source", "wether"], "LS-0214", "weather"),
        (["--reason", "not_a_number"], "LS-0215", "not_number"),
        (["--replay", "--files", "--as-of", "2013-12-16"], "LS-0216", "leave one"),
    ],
)
def test_wrong_options_are_told_before_anything_starts(arguments, code, fix, capsys):
    assert main(["quarantine", "flight_delay", *arguments, *CONF]) == 2

    told = capsys.readouterr()
    assert json.loads(told.out.splitlines()[-1])["code"] == code
    assert fix in told.err


def test_the_list_has_a_line_a_reason_and_a_hint_a_code():
    told = listing([REASON, {**REASON, "reason": "not_number:height", "rows": 7}], is_cut=True)

    lines = told.splitlines()
    assert lines[0].split() == [
        "source", "reason", "rows", "files", "first", "arrival", "last", "arrival", "for",
        "example",
    ]  # fmt: skip
    assert "1,200" in lines[1]
    assert told.count("set number.decimal") == 1
    assert "and more" in told


def test_what_a_file_is_called_cannot_act_on_a_terminal():
    told = listing([{**REASON, "file": "a\x07.csv"}])

    assert "\x1b" not in told + printable("\udce9")
    assert "\u202e" not in told
    assert "a\\x07.csv" in told
    assert "\\x1b[31m\\u202e2024.csv:3" in told


def test_an_empty_quarantine_says_so():
    assert listing([]) == "nothing is in quarantine\n"
