"""Gather what is known of the candidates of a date, and write it as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.context import RunContext, StageResult
from lepton_spark.dataset.published import dataset_table
from lepton_spark.errors import DataError
from lepton_spark.evaluate.judgement import side_by_side
from lepton_spark.lake import files, tables
from lepton_spark.lake.catalog import path_of
from lepton_spark.report.page import Story, page_of
from lepton_spark.train import candidates
from lepton_spark.train.measured import measured_by
from lepton_spark.train.phases import bottleneck

if TYPE_CHECKING:
    from lepton_spark.lake.marker import Marker

JOB = "report"


def report(context: RunContext) -> StageResult:
    """Write the page of the candidates of the logical date to `reports/<case>/<date>.html`.

    Returns:
        `path`, `models` (best first), `epochs` and `bottleneck`.

    Raises:
        DataError: The candidates of the date have not been judged.
    """
    case, as_of = context.case.case, context.as_of
    place = candidates.folder(context, _dataset(context))
    judgement = place.judgement()
    if judgement is None:
        raise _missing(context, "judged", "lepton evaluate")
    history = measured_by(context, tables, place.fingerprint)
    models = side_by_side(judgement)
    story = Story(case, as_of, judgement["metric"], models, history, bottleneck(history))
    path = path_of(context.environment, "reports", case, f"{as_of}.html")
    files.write_atomically(path, page_of(story))
    facts = {"path": path, "models": models, "epochs": history, "bottleneck": story.bottleneck}
    return StageResult(JOB, (), facts)


def _dataset(context: RunContext) -> Marker:
    table = dataset_table(context)
    marker = tables.find(context, table, "dataset", context.as_of.isoformat())
    if marker is None:
        raise _missing(context, "trained", "lepton run")
    return marker


def _missing(context: RunContext, what: str, command: str) -> DataError:
    return DataError(
        "LS-2088",
        f"no candidates of {context.case.case} were {what} for {context.as_of}",
        "a report tells how models were trained and what they reached",
        f"run `{command} {context.case.case} --as-of {context.as_of}` first",
    )
