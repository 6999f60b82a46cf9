"""The profile of a table as one JSON-ready document, made of its rows in `ops.metrics`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lepton_spark.quality.metrics import Metric

ROWS, CORRELATION, FREQUENCY = "rows", "correlation", "frequency"


def document(columns: Sequence[Sequence[str]], metrics: Iterable[Metric]) -> dict[str, Any]:
    """Rows, columns by name in their order, and correlations, the strongest first.

    Args:
        columns: Name and kind of each.
        metrics: Of one table, in any order.
    """
    told: dict[str, dict[str, Any]] = {name: {"kind": kind} for name, kind in columns}
    found: dict[str, Any] = {"rows": 0, "columns": told, "correlations": []}
    for metric in metrics:
        if metric.column is None:
            found[metric.name] = metric.value
        elif metric.name == CORRELATION:
            found["correlations"].append([metric.column, metric.text, metric.value])
        elif metric.name == FREQUENCY:
            each = {"value": metric.text, "rows": metric.value}
            told[metric.column].setdefault("frequent", []).append(each)
        else:
            # A date or an instant is easier to read than its days or seconds.
            told[metric.column][metric.name] = metric.text or metric.value
    for column in told.values():
        if "frequent" in column:
            column["frequent"].sort(key=lambda each: (-each["rows"], each["value"]))
    found["correlations"].sort(key=lambda each: (-abs(each[2] or 0.0), each[0], each[1]))
    return found
