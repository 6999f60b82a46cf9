"""The ledger `ops.runs`: one row for each stage of each command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lepton_spark import __version__, faults
from lepton_spark.lake import commit, locks
from lepton_spark.lake.catalog import TableId, location
from lepton_spark.lake.log import newest_version
from lepton_spark.lake.troubles import told_as

if TYPE_CHECKING:
    from lepton_spark.context import RunContext, StageResult

RUNS = TableId("ops", "runs")
SCHEMA = (
    "run_id string, position int, case string, environment string, stage string, as_of date,"
    " revision int, status string, error_code string, tables string, facts string,"
    " code_version string, started_at timestamp, recorded_at timestamp"
)


def record(
    context: RunContext,
    results: Sequence[StageResult],
    status: str,
    error_code: str | None = None,
) -> None:
    """Append a row for each stage that ended, and one without a stage where the command failed.

    One small commit without staging: the ledger says what happened, nothing is decided by it.

    Args:
        context: The command.
        results: Of the stages that ended well.
        status: Of the command, such as done or failed.
        error_code: `LS-` and four digits, where it failed.
    """
    faults.reach("before_ledger")
    rows = [_row(context, position, result) for position, result in enumerate(results)]
    if error_code is not None or not rows:
        failed = {"stage": None, "status": status, "error_code": error_code}
        rows.append({**_ambient(context), "position": len(rows), **failed})
    with told_as(RUNS), locks.hold(context, RUNS):
        folder = location(context.environment, RUNS)
        writer = context.spark.createDataFrame(rows, SCHEMA).coalesce(1).write.format("delta")
        if newest_version(folder) < 0:
            writer = writer.options(**commit.PROPERTIES)
        writer.mode("append").save(folder)


def _row(context: RunContext, position: int, result: StageResult) -> dict[str, Any]:
    return {
        **_ambient(context),
        "position": position,
        "stage": result.stage,
        "status": "done",
        "tables": json.dumps([asdict(table) for table in result.tables]),
        "facts": json.dumps(result.facts, default=str),
    }


def _ambient(context: RunContext) -> dict[str, Any]:
    return {
        "run_id": context.run_id,
        "case": context.case.case,
        "environment": context.environment.name,
        "as_of": context.as_of,
        "revision": context.revision,
        "code_version": __version__,
        "started_at": context.started_at,
        "recorded_at": datetime.now(UTC),
    }
