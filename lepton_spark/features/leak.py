"""What features would be, had every fact been known when it happened: what knowledge time is worth.

A join on event time sees facts before anybody knew them, and their corrections with them. Here
the same features are computed both ways, and the rows are counted on which they differ.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.config.happened_at import sources_over_time
from lepton_spark.lake.publication import Publication
from lepton_spark.quality.metrics import METRICS, PARTITION_BY, Metric
from lepton_spark.silver.knowledge import known_at

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import DataFrame

    from lepton_spark.context import RunContext
    from lepton_spark.features.gather import Plan
    from lepton_spark.lake.catalog import TableId

LEAKS = "leaks"
_HINDSIGHT = "_hindsight_"
_EVERY_ROW = ""


@dataclass(frozen=True)
class Leak:
    """How one feature would differ, had event time been used.

    Args:
        rows: Compared.
        differing: Of those.
    """

    feature: str
    rows: int
    differing: int

    @property
    def share(self) -> float | None:
        """Of the rows that differ; None where there are none at all."""
        return self.differing / self.rows if self.rows else None


def in_hindsight(plan: Plan) -> Plan:
    """The same plan with names of its own."""
    return replace(plan, source=f"{_HINDSIGHT}{plan.source}")


def as_happened(versions: DataFrame, happened_at: str, moment: datetime) -> DataFrame:
    """The newest version of each row, as if it had been known when it happened.

    Args:
        versions: As `events.declare` gives them.
        happened_at: A checked expression; where it is null the row counts from when it was known.
        moment: Of the run. A version that becomes known later leaves the one before it in place.
    """
    newest = known_at(versions, moment)
    happened = F.coalesce(F.expr(happened_at), F.col("_declared_at"))
    return newest.withColumns({"_declared_at": happened, "_known_at": happened})


def count_leaks(features: DataFrame, names: Sequence[str]) -> DataFrame:
    """Rows for each feature that differs, and all rows under an empty name; one shuffle.

    Args:
        features: With each feature as it was known and in hindsight; null is a value like others.
        names: Of the features.
    """
    # One row for each difference: an aggregate of a column a feature would be too wide to plan.
    differs = [
        F.when(~F.col(name).eqNullSafe(F.col(f"{_HINDSIGHT}{name}")), F.lit(name)) for name in names
    ]
    told = F.array_compact(F.array(F.lit(_EVERY_ROW), *differs))
    return features.select(F.explode(told).alias("feature")).groupBy("feature").count()


def leaks_of(counts: Mapping[str, int], names: Sequence[str]) -> list[Leak]:
    """What was counted, a leak a feature; those that would differ most come first."""
    rows = counts.get(_EVERY_ROW, 0)
    found = [Leak(name, rows, counts.get(name, 0)) for name in names]
    return sorted(found, key=lambda leak: (-leak.differing, leak.feature))


def leak_metrics(leaks: Sequence[Leak]) -> list[Metric]:
    """The rows for `ops.metrics`: three for each feature, and no value of any."""
    return [
        metric
        for leak in leaks
        for metric in (
            Metric("leak_rows", float(leak.rows), leak.feature),
            Metric("leak_differing", float(leak.differing), leak.feature),
            Metric("leak_share", leak.share, leak.feature),
        )
    ]


def leak_publication(context: RunContext, table: TableId, fingerprint: str) -> Publication:
    """Where a report goes: in place of that of the same table and logical date.

    Args:
        context: Of the run.
        table: Of the features.
        fingerprint: Of the features as they were known.
    """
    case, as_of = context.case.case, context.as_of
    happened = [context.case.sources[name].happened_at for name in sources_over_time(context.case)]
    mine = f"case = '{case}' AND table = '{table}' AND as_of = DATE'{as_of}'"
    return Publication(
        METRICS,
        LEAKS,
        f"{case}.{as_of}",
        hashlib.sha256(json.dumps([fingerprint, happened]).encode()).hexdigest(),
        replace=f"{mine} AND name IN ('leak_rows', 'leak_differing', 'leak_share')",
        partition_by=PARTITION_BY,
    )
