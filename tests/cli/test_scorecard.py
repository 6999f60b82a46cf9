"""What was measured is printed as it came out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lepton_spark.cli import main

ROOT = Path(__file__).parents[2]


def written(folder, *checks):
    path = folder / "results" / "bench" / "launch.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"date": "2026-11-21", "checks": checks}))
    return str(folder / "results")


def check(value, *, holds):
    return {"what": "cold", "value": value, "unit": "x", "target": "<= 0.5", "holds": holds}


def test_a_claim_is_printed_with_its_target_and_whether_it_holds(tmp_path, capsys):
    assert main(["scorecard", "--results", written(tmp_path, check(0.366, holds=True))]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["bench/launch", "cold", "0.366", "x", "<=", "0.5", "x", "met",
                                "2026-11-21"]  # fmt: skip
    assert json.loads(lines[-1])["missed"] == []


def test_what_does_not_hold_is_named(tmp_path, capsys):
    results = written(
        tmp_path, check(0.366, holds=True), {**check(1.5, holds=False), "what": "warm"}
    )

    assert main(["scorecard", "--results", results, "--json"]) == 0

    summary = json.loads(capsys.readouterr().out)
    assert (summary["met"], summary["missed"]) == (1, ["warm"])


@pytest.mark.parametrize("text", ["[]", "{", '{"date": "2026-11-21", "checks": [{}]}'])
def test_a_file_of_another_kind_is_refused_by_name(tmp_path, capsys, text):
    path = tmp_path / "bench" / "x.json"
    path.parent.mkdir()
    path.write_text(text)

    assert main(["scorecard", "--results", str(tmp_path)]) == 2
    assert "x.json is no file of measured claims" in capsys.readouterr().err


def test_a_folder_without_measurements_says_how_to_make_some(tmp_path, capsys):
    assert main(["scorecard", "--results", str(tmp_path)]) == 2
    assert "make bench" in capsys.readouterr().err


def test_the_files_of_the_project_are_read(capsys):
    assert main(["scorecard", "--results", str(ROOT / "results"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["checks"] > 0
