"""What the quarantine says of a row, and what it never says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lepton_spark.quality.quarantine import COLUMNS, condition_of, quarantined

pytestmark = pytest.mark.spark

MON = datetime(2024, 1, 1, tzinfo=UTC)
SCHEMA = (
    "name string, _file string, _row bigint, _arrived_at timestamp, _severity string,"
    " _reasons array<string>"
)
ROWS = [
    ("canary", "a.csv", 2, MON, "refused", ["not_int:id"]),
    ("canary", "a.csv", 3, MON, None, []),
    ("canary", "it's \\ odd.csv", 2, MON, "duplicate", ["exact_duplicate"]),
]


def test_a_bad_row_is_located_and_reasoned_without_its_values(spark):
    judged = spark.createDataFrame(ROWS, SCHEMA)

    found = quarantined(judged, case="tiny", table="silver.tiny_visits", run_id="r-1")

    assert tuple(found.columns) == COLUMNS
    rows = [row.asDict() for row in found.orderBy("file").collect()]
    assert [(row["file"], row["row"], row["severity"], row["reasons"]) for row in rows] == [
        ("a.csv", 2, "refused", ["not_int:id"]),
        ("it's \\ odd.csv", 2, "duplicate", ["exact_duplicate"]),
    ]
    assert "canary" not in str(rows)


def test_the_condition_finds_the_rows_of_files_of_any_name(spark):
    judged = spark.createDataFrame(ROWS, SCHEMA)
    rows = quarantined(judged, case="tiny", table="silver.tiny_visits", run_id="r-1")

    def found(case, table, *files):
        return rows.filter(condition_of(case, {table: files})).count()

    assert found("tiny", "silver.tiny_visits", "it's \\ odd.csv", "a.csv") == 2
    assert found("tiny", "silver.tiny_visits", "it's \\ odd.csv") == 1
    assert found("other", "silver.tiny_visits", "a.csv") == 0
    assert found("tiny", "silver.tiny_shops", "a.csv") == 0
