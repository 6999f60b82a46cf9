from __future__ import annotations

from lepton_spark.quality.metrics import Metric
from lepton_spark.statistics.document import document


def test_rows_of_the_table_of_metrics_become_one_document():
    metrics = [
        Metric("correlation", -0.2, column="x", text="y"),
        Metric("frequency", 2.0, column="z", text="a"),
        Metric("correlation", None, column="x", text="w"),
        Metric("frequency", 5.0, column="z", text="b"),
        Metric("rows", 7.0),
        Metric("nulls", 1.0, column="x"),
        Metric("max", 19_782.0, column="day", text="2024-02-29"),
        Metric("correlation", -0.9, column="y", text="w"),
    ]

    frequent = [{"value": "b", "rows": 5}, {"value": "a", "rows": 2}]

    found = document([["z", "text"], ["x", "number"], ["day", "date"]], metrics)

    assert found == {
        "rows": 7.0,
        "columns": {
            "z": {"kind": "text", "frequent": frequent},
            "x": {"kind": "number", "nulls": 1.0},
            "day": {"kind": "date", "max": "2024-02-29"},
        },
        "correlations": [["y", "w", -0.9], ["x", "y", -0.2], ["x", "w", None]],
    }  # fmt: skip
    assert list(found["columns"]) == ["z", "x", "day"]
