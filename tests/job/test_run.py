from __future__ import annotations

import json
from datetime import date
from types import SimpleNamespace

import pytest

from lepton_spark.context import Published, StageResult
from lepton_spark.errors import DataError
from lepton_spark.job.run import new_run_id, run_job, run_stages
from lepton_spark.lake import ledger


class Heard:
    """Remembers what stages said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def start(self, stage: str) -> None:
        self.said.append(f"start {stage}")

    def step(self, stage: str, message: str, *, done: int = 0, total: int = 0) -> None: ...

    def finish(self, stage: str, message: str) -> None:
        self.said.append(f"finish {stage}: {message}")


@pytest.fixture
def context():
    return SimpleNamespace(progress=Heard(), as_of=date(2024, 3, 2), results={})


@pytest.fixture
def recorded(monkeypatch):
    records: list[tuple[list[str], str, str | None]] = []

    def record(_context, results, status, error_code=None):
        records.append(([result.stage for result in results], status, error_code))

    monkeypatch.setattr(ledger, "record", record)
    return records


def land(_context) -> StageResult:
    return StageResult("land", (Published("bronze.x", 0, 3, is_new=True),), {"files": 1})


def fail(_context) -> StageResult:
    raise DataError("LS-2001", "no files.", "a rule.", "a fix.")


def test_stages_run_in_order_and_are_recorded_once(context, recorded):
    results = run_stages(context, [("land", land), ("again", land)])

    assert [result.facts["files"] for result in results] == [1, 1]
    assert results[0].facts["took_seconds"] >= 0
    assert context.progress.said[:2] == ["start land", "finish land: 3 rows in bronze.x"]
    assert recorded == [(["land", "land"], "done", None)]


def test_a_failure_is_recorded_with_its_code_after_what_was_done(context, recorded):
    with pytest.raises(DataError):
        run_stages(context, [("land", land), ("refine", fail), ("never", land)])

    assert recorded == [(["land"], "failed", "LS-2001")]
    assert [result.stage for result in context.results[context.as_of]] == ["land"]


def test_a_ledger_that_fails_does_not_hide_the_fault(context, monkeypatch):
    def refuse(*_given, **_named):
        raise OSError("full")

    monkeypatch.setattr(ledger, "record", refuse)

    with pytest.raises(DataError):
        run_stages(context, [("refine", fail)])


def test_wrong_arguments_end_a_job_with_a_summary(capsys):
    assert run_job("land", [("land", land)], ["--case", "x", "--as-of", "20240101"]) == 2

    captured = capsys.readouterr()
    assert json.loads(captured.out)["code"] == "LS-0203"
    assert "YYYY-MM-DD" in captured.err


def test_a_case_that_is_not_there_ends_a_job_before_spark(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("lepton_spark.job.run.start_logging", lambda: None)
    arguments = ["--case", "x", "--as-of", "2024-01-01", "--conf-dir", str(tmp_path)]

    assert run_job("land", [("land", land)], arguments) == 10
    assert json.loads(capsys.readouterr().out)["command"] == "land"


def test_run_ids_differ():
    assert new_run_id() != new_run_id()
    assert new_run_id().startswith("r-")
