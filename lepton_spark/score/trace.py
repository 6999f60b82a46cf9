"""Where one prediction comes from: the row, the model, the inputs, and the score once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from lepton_spark.context import RunContext, StageResult
from lepton_spark.errors import DataError, InternalError, UsageError
from lepton_spark.lake import tables
from lepton_spark.registry import store
from lepton_spark.score.assemble import SCORED
from lepton_spark.score.day import JOB, day_scores, features_table, predictions_table
from lepton_spark.score.key import matches, parse_key
from lepton_spark.train import bundle as bundles

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from lepton_spark.lake.marker import Marker

# Networks compute in float32, whose last digits are others on another processor.
TOLERANCE = 1e-6
_STATE = "nothing was changed"


def trace(context: RunContext, key_text: str) -> StageResult:
    """Say where the prediction of one row of the logical date comes from, and compute it again.

    Args:
        context: Its date is the day of the prediction.
        key_text: `column=value,...` of the key, enough to tell the row from others of the day.

    Returns:
        Facts: the row, `model_version` and digest, `input <table>` with the version that was read,
        `code_version`; for a scored row `recomputed` and `difference`.

    Raises:
        UsageError: The key cannot be read, or several rows have it.
        DataError: There is no such prediction.
        InternalError: The score cannot be computed again.
    """
    table = predictions_table(context)
    key = context.case.key_of(context.case.predict.each)
    named = parse_key(key_text, key)
    published = tables.read(context, table)
    is_asked = matches(named, published.schema)
    row = _only_row(context, published, is_asked, len(key) - len(named))
    marker = tables.find(context, table, JOB, context.as_of.isoformat())
    if marker is None:
        raise _unmarked(context)
    facts = {**row, "published_in": f"{table} version {marker.version}"}
    read = {name: number for name, number in _inputs(marker).items() if number >= 0}
    facts |= {f"input {name}": f"version {number}" for name, number in read.items()}
    facts |= {"published_by_run": marker.run_id, "code_version": marker.code_version}
    if row["status"] == SCORED:
        facts |= _again(context, row, _inputs(marker), named)
    return StageResult("trace", (), facts)


def _inputs(marker: Marker) -> dict[str, int]:
    return dict(marker.facts.get("inputs", {}))


def _only_row(
    context: RunContext, published: DataFrame, is_asked: Column, num_left_out: int
) -> dict[str, Any]:
    """The one prediction asked for; instants as UTC text."""
    is_of_day = F.col("as_of") == F.lit(context.as_of)
    as_text = [
        F.col(field.name).cast("string").alias(field.name)
        if field.dataType.typeName() in {"timestamp", "date"}
        else F.col(field.name)
        for field in published.schema
    ]
    found = published.filter(is_of_day & is_asked).select(*as_text).limit(2).collect()
    if not found:
        raise _missing(context, published, is_asked)
    if len(found) > 1:
        hint = "name more columns of the key." if num_left_out else "this should not happen."
        raise UsageError(
            "LS-0221",
            f"several rows of {context.as_of} have this key.",
            "a trace follows one row.",
            hint,
            _STATE,
        )
    return dict(found[0].asDict())


def _missing(context: RunContext, published: DataFrame, is_asked: Column) -> DataError:
    """The error for a prediction that is not there, with the nearest day that has one."""
    of_key = _nearest(published.filter(is_asked), context.as_of)
    of_any = _nearest(published, context.as_of)
    if of_any is None or of_any != context.as_of:
        what = f"no predictions of {context.as_of} were published"
        near = f"the nearest day that has some is {of_any}" if of_any else "there are none at all"
    else:
        what = f"the predictions of {context.as_of} hold no row with this key"
        near = f"the nearest day that has one is {of_key}" if of_key else "no other day has one"
    return DataError(
        "LS-2084",
        f"{what}; {near}.",
        "every raw row of a day that was scored has a prediction under its key.",
        "correct the key or --as-of, or score the day.",
        _STATE,
    )


def _nearest(published: DataFrame, day: date) -> date | None:
    distance = F.abs(F.date_diff(F.col("as_of"), F.lit(day)))
    row = published.agg(F.min_by("as_of", distance).alias("day")).first()
    return None if row is None else row["day"]


def _again(
    context: RunContext, row: dict[str, Any], inputs: dict[str, int], named: dict[str, str]
) -> dict[str, Any]:
    """The score computed from the same features by the same model."""
    digest = str(row["model_digest"])
    model = bundles.load(store.bundle_uri(context, digest), digest)
    table = features_table(context)
    version = inputs[str(table)]
    scores = day_scores(context, tables.read(context, table, version=version), version, model)
    found = scores.filter(matches(named, scores.schema)).collect()
    difference = abs(found[0]["score"] - row["score"]) if len(found) == 1 else None
    if difference is None or difference > TOLERANCE * max(1.0, abs(row["score"])):
        raise InternalError(
            "LS-7080",
            f"the score cannot be computed again: difference {difference}.",
            f"from the same features the same model gives the same score, to {TOLERANCE} of it.",
            "keep the tables as they are and report this message.",
            _STATE,
        )
    return {"recomputed": found[0]["score"], "difference": difference}


def _unmarked(context: RunContext) -> DataError:
    return DataError(
        "LS-2085",
        f"the history of the predictions no longer says how {context.as_of} was published.",
        "inputs are found through the mark that a publication leaves in the table's history.",
        "trace a newer day, or keep the history for longer.",
        _STATE,
    )
