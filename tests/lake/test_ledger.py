"""The ledger has a row for each stage, and says where a command failed."""

from __future__ import annotations

import json

import pytest

from lepton_spark.context import Published, StageResult
from lepton_spark.lake import ledger, tables

pytestmark = pytest.mark.spark


def test_each_stage_has_a_row_and_a_failure_has_one_without_a_stage(context_for):
    first, second = context_for(), context_for(as_of="2024-03-01", revision=1)
    landed = StageResult("land", (Published("bronze.a", 3, 10, is_new=True),), {"files": 2})

    ledger.record(first, [landed, StageResult("refine")], "done")
    ledger.record(second, [landed], "failed", error_code="LS-2001")

    columns = ("position", "stage", "status", "error_code", "revision", "cast(as_of as string)")
    rows = tables.read(first, ledger.RUNS).orderBy("as_of", "position")
    assert [tuple(row) for row in rows.selectExpr(*columns).collect()] == [
        (0, "land", "done", None, 0, "2024-02-29"),
        (1, "refine", "done", None, 0, "2024-02-29"),
        (0, "land", "done", None, 1, "2024-03-01"),
        (1, None, "failed", "LS-2001", 1, "2024-03-01"),
    ]
    told = rows.where(f"run_id = '{first.run_id}'").first()
    assert json.loads(told["tables"])[0]["version"] == 3
    assert json.loads(told["facts"]) == {"files": 2}


def test_the_ledger_keeps_instants_in_utc(context_for):
    context = context_for()
    ledger.record(context, [], "done")

    kept = tables.read(context, ledger.RUNS).selectExpr("unix_micros(started_at) as at").first()

    assert kept["at"] == int(context.started_at.timestamp() * 1_000_000)
