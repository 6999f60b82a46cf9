"""One prediction row for each raw row of a day, scored or with the reason why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.score.scheduled import typed_like

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SCORED = "scored"
REFUSED = "refused"
NO_FEATURES = "no_features"


@dataclass(frozen=True)
class Scorer:
    """Which model scores, in which run.

    Args:
        threshold: From this score on the decision is true; None where nothing is decided by one.
    """

    name: str
    version: str
    digest: str
    threshold: float | None
    run_id: str


def assemble(
    accepted: DataFrame, refused: DataFrame, scores: DataFrame, key: Sequence[str], refusal: str
) -> DataFrame:
    """Put scores beside the rows of a day.

    Args:
        accepted: Key, `_file`, `_row`.
        refused: `_file`, `_row`, `_reasons` and what of the key is known.
        scores: As of `day_scores`; a key that occurs twice gives two rows, for the audit to find.
        key: Columns that identify a row.
        refusal: Why the model refuses rows, such as `outlier`.

    Returns:
        Key, the answers of `scores`, `status`, `reason` (of an accepted row `refusal` or
        `no_features`), `_file`, `_row`.
    """
    answers = answers_of(scores, key)
    # An accepted row without features must stay.
    joined = accepted.join(scores.withColumn("_why", F.lit(refusal)), list(key), how="left")
    has_score = F.col("score").isNotNull()
    good = joined.select(
        *key,
        *answers,
        F.when(has_score, SCORED).otherwise(REFUSED).alias("status"),
        F.when(~has_score, F.coalesce("_why", F.lit(NO_FEATURES))).alias("reason"),
        "_file",
        "_row",
    )
    bad = refused.select(
        *typed_like(refused, accepted.schema, key),
        *(F.lit(None).cast(scores.schema[name].dataType).alias(name) for name in answers),
        F.lit(REFUSED).alias("status"),
        F.array_join("_reasons", ";").alias("reason"),
        "_file",
        "_row",
    )
    return good.unionByName(bad)


def answers_of(rows: DataFrame, key: Sequence[str]) -> list[str]:
    """Columns that say what a model thinks of a row, the score first."""
    others = {*key, "status", "reason", "_file", "_row"}
    return [name for name in rows.columns if name not in others]


def signed(rows: DataFrame, key: Sequence[str], as_of: date, scorer: Scorer) -> DataFrame:
    """The rows of the prediction table: what `assemble` gives, and which model in which run."""
    score, *others = answers_of(rows, key)
    decision = []
    if scorer.threshold is not None:
        decision = [(F.col(score) >= F.lit(scorer.threshold)).alias("decision")]
    return rows.select(
        *key,
        F.lit(as_of).alias("as_of"),
        score,
        *decision,
        *others,
        "status",
        "reason",
        F.lit(scorer.name).alias("model_name"),
        F.lit(scorer.version).alias("model_version"),
        F.lit(scorer.digest).alias("model_digest"),
        F.lit(scorer.run_id).alias("run_id"),
        "_file",
        "_row",
    )
