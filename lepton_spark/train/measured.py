"""What training measured of itself, as rows of `ops.metrics`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Protocol

from pyspark.sql import functions as F

from lepton_spark.lake.catalog import TableId
from lepton_spark.lake.publication import Publication
from lepton_spark.quality.metrics import METRICS, PARTITION_BY, Metric

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.context import RunContext
    from lepton_spark.lake.marker import Marker

JOB = "train"
RATED = ("read", "hand_over", "step", "allreduce")  # what every training row goes through
_EPOCH, _RANK, _ROWS, _RATE = "epoch=", ",rank=", "rows_by_rank", "rows_per_second"


def subject(case: str) -> TableId:
    """What the measurements are of."""
    return TableId("models", case)


def training_metrics(history: Sequence[Mapping[str, Any]]) -> list[Metric]:
    """A row for each number of each epoch, its rates, and the rows that each rank saw in it."""
    return [metric for entry in history for metric in _of_epoch(entry)]


def _of_epoch(entry: Mapping[str, Any]) -> Iterator[Metric]:
    part = f"{_EPOCH}{entry['epoch']}"
    for name, value in {**entry, **rates(entry)}.items():
        if name == _ROWS:
            for rank, rows in enumerate(value):
                yield Metric(_ROWS, float(rows), part=f"{part}{_RANK}{rank}")
        elif name != "epoch":
            yield Metric(name, float(value), part=part)


def history_of(metrics: Iterable[Metric]) -> list[dict[str, Any]]:
    """The entries that `training_metrics` made rows of, by epoch; without the rates."""
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    rows: dict[int, dict[int, int]] = defaultdict(dict)
    for metric in metrics:
        epoch, _, rank = (metric.part or "").removeprefix(_EPOCH).partition(_RANK)
        if rank:
            rows[int(epoch)][int(rank)] = int(metric.value or 0)
        elif epoch and not metric.name.endswith(_RATE):
            found[int(epoch)][metric.name] = metric.value
    return [
        {"epoch": epoch, **found[epoch], _ROWS: [each for _, each in sorted(rows[epoch].items())]}
        for epoch in sorted(found)
    ]


class Tables(Protocol):
    """What is asked of tables: `lake.tables`, which only stages import."""

    def find(self, context: RunContext, table: TableId, job: str, key: str, /) -> Marker | None:
        """The newest marker of a job's key."""

    def read(
        self, context: RunContext, table: TableId, /, *, version: int | None = None
    ) -> DataFrame:
        """The rows, at the newest version or the one named."""


def measured_by(context: RunContext, tables: Tables, fingerprint: str) -> list[dict[str, Any]]:
    """What the training of some candidates measured, by epoch; empty where an older version did it.

    Args:
        context: Of the run.
        tables: Where to read.
        fingerprint: Of what the candidates follow from.
    """
    marker = tables.find(context, METRICS, JOB, training_publication(context, fingerprint).key)
    return published_history(
        context, marker, lambda version: tables.read(context, METRICS, version=version)
    )


def published_history(
    context: RunContext, marker: Marker | None, read: Callable[[int | None], DataFrame]
) -> list[dict[str, Any]]:
    """What one training measured of itself, by epoch; empty where nothing was published.

    Args:
        context: Of the run.
        marker: Of the publication of that training.
        read: `ops.metrics` at a version, or the newest where it is None.
    """
    if marker is None:
        return []

    def found(version: int | None) -> list[dict[str, Any]]:
        """The training's entries by epoch, at a version of the table."""
        case = context.case.case
        rows = read(version).filter(
            (F.col("case") == case)
            & (F.col("table") == str(subject(case)))
            & (F.col("as_of") == F.lit(context.as_of))
            & (F.col("run_id") == marker.run_id)
        )
        names = [each.name for each in fields(Metric)]
        return history_of(Metric(*row) for row in rows.select(*names).collect())

    # Another training of the date has replaced them since; the version they were written in stays.
    return found(None) or found(marker.version)


def rates(entry: Mapping[str, Any]) -> dict[str, float]:
    """Rows a second of an epoch, as a whole and in each phase that rows go through.

    Args:
        entry: Of a history. What was not measured, or took no time, has no rate. Rows are those
            that ranks saw: of an epoch that was resumed its seconds are of these alone.
    """
    rows = float(sum(entry.get(_ROWS) or ()))
    seconds = {"": entry.get("seconds"), **{f"{p}_": entry.get(f"{p}_seconds") for p in RATED}}
    return {f"{name}{_RATE}": rows / taken for name, taken in seconds.items() if rows and taken}


def training_publication(context: RunContext, fingerprint: str) -> Publication:
    """Where they go: in place of those of another training of the same logical date.

    Args:
        context: Of the run.
        fingerprint: Of what the candidates follow from.
    """
    case, as_of = context.case.case, context.as_of
    mine = f"case = '{case}' AND table = '{subject(case)}' AND as_of = DATE'{as_of}'"
    return Publication(
        METRICS,
        JOB,
        f"{case}.{as_of}.{fingerprint[:16]}",
        fingerprint,
        replace=mine,
        partition_by=PARTITION_BY,
    )
