"""What training measured of itself, as rows of `ops.metrics`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lepton_spark.lake.catalog import TableId
from lepton_spark.lake.publication import Publication
from lepton_spark.quality.metrics import METRICS, PARTITION_BY, Metric

if TYPE_CHECKING:
    from lepton_spark.context import RunContext

JOB = "train"
_EPOCH, _RANK, _ROWS = "epoch=", ",rank=", "rows_by_rank"


def subject(case: str) -> TableId:
    """What the measurements are of."""
    return TableId("models", case)


def training_metrics(history: Sequence[Mapping[str, Any]]) -> list[Metric]:
    """A row for each number of each epoch, and for the rows that each rank saw in it."""
    return [metric for entry in history for metric in _of_epoch(entry)]


def _of_epoch(entry: Mapping[str, Any]) -> Iterator[Metric]:
    part = f"{_EPOCH}{entry['epoch']}"
    for name, value in entry.items():
        if name == _ROWS:
            for rank, rows in enumerate(value):
                yield Metric(_ROWS, float(rows), part=f"{part}{_RANK}{rank}")
        elif name != "epoch":
            yield Metric(name, float(value), part=part)


def history_of(metrics: Iterable[Metric]) -> list[dict[str, Any]]:
    """The entries that `training_metrics` made rows of, by epoch."""
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    rows: dict[int, dict[int, int]] = defaultdict(dict)
    for metric in metrics:
        epoch, _, rank = (metric.part or "").removeprefix(_EPOCH).partition(_RANK)
        if rank:
            rows[int(epoch)][int(rank)] = int(metric.value or 0)
        elif epoch:
            found[int(epoch)][metric.name] = metric.value
    return [
        {"epoch": epoch, **found[epoch], _ROWS: [each for _, each in sorted(rows[epoch].items())]}
        for epoch in sorted(found)
    ]


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
