from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lepton_spark.cli import main

ROOT = Path(__file__).parents[2]
PROGRAM = "import sys; from lepton_spark.cli import main; sys.exit(main())"


def lepton(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


def summary_of(capsys) -> dict[str, object]:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_no_command_is_a_usage_error_that_lists_the_commands(capsys):
    assert main([]) == 2
    assert "nightly" in capsys.readouterr().out


def test_an_unknown_command_names_the_nearest_one(capsys):
    assert main(["scroe"]) == 2
    assert "score" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", ["run", "land", "refine", "resolve", "features", "dataset", "train", "evaluate",
                "register", "score", "nightly"]
)  # fmt: skip
def test_no_date_is_ever_assumed(command, capsys):
    assert main([command, "flight_delay"]) == 2
    assert summary_of(capsys)["code"] == "LS-0202"


@pytest.mark.parametrize("day", ["2024-13-01", "yesterday", "20240229"])
def test_a_date_has_one_form(day, capsys):
    assert main(["score", "flight_delay", "--as-of", day]) == 2
    assert summary_of(capsys)["code"] == "LS-0203"


def test_the_future_must_be_allowed(capsys):
    arguments = ["score", "flight_delay", "--as-of", "2999-01-01", "--conf-dir", str(ROOT / "conf")]

    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert "--allow-future" in captured.err


def test_nights_run_forward(capsys):
    arguments = ["nightly", "flight_delay", "--as-of", "2013-12-16", "--until", "2013-12-15"]

    assert main(arguments) == 2
    assert summary_of(capsys)["code"] == "LS-0208"


@pytest.mark.parametrize(
    "argument", ["x" * 100_000, "--", "--as-of=", "-x", "caf\udce9", "--as-of\n2024-01-01"]
)
def test_odd_arguments_get_a_short_answer(argument, capsys):
    assert main(["score", argument]) == 2
    captured = capsys.readouterr()
    assert len(captured.err) < 2_000
    assert "Traceback" not in captured.err


def test_a_wrong_setting_is_a_configuration_error(capsys):
    arguments = [
        "check",
        "flight_delay",
        "--conf-dir",
        str(ROOT / "conf"),
        "--set",
        "train.epoch=3",
    ]

    assert main(arguments) == 10
    captured = capsys.readouterr()
    assert "epochs" in captured.err
    assert json.loads(captured.out)["status"] == "failed"


def test_a_fault_of_ours_is_told_without_a_traceback(capsys, monkeypatch):
    def fail(*_given: object) -> list[str]:
        raise ValueError("DE89 3704 0044")

    monkeypatch.setattr("lepton_spark.config.loader.list_cases", fail)

    assert main(["cases"]) == 70
    captured = capsys.readouterr()
    assert "ValueError" in captured.err
    assert "DE89" not in captured.err + captured.out


def test_each_command_teaches(capsys):
    for command in ("run", "nightly", "trace", "doctor", "check", "new", "demo-data"):
        assert main([command, "--help"]) == 0
        assert "Usage: lepton" in capsys.readouterr().out


def test_a_reader_that_has_gone_sees_no_traceback():
    done = subprocess.run(
        f"{sys.executable} -c '{PROGRAM}' check --schema | head -1; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0
    assert done.stderr == ""


def test_plain_text_goes_into_a_file():
    done = lepton("run", "--help", env={**os.environ, "NO_COLOR": "1", "COLUMNS": "40"})

    assert "\x1b" not in done.stdout
    assert "--score-date" in done.stdout
