"""Which files are not refined, from what lies in the three tables."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lepton_spark.silver.pending import (
    bronze_steps,
    open_files,
    quarantine_steps,
    silver_steps,
)

pytestmark = pytest.mark.spark

MON, TUE = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)
BRONZE = "_file string, _sha256 string, _records bigint, _arrived_at timestamp"
LANDED = [
    ("done", "aa", None, MON),
    ("done", "aa", 3, MON),
    ("killed", "bb", 2, MON),
    ("new", "cc", 2, MON),
    ("to come", "dd", 5, TUE),
]


def test_a_file_is_open_until_silver_and_quarantine_hold_all_its_rows(spark):
    bronze = spark.createDataFrame(LANDED, BRONZE)
    silver = spark.createDataFrame([("done", MON)] * 2, "_file string, _arrived_at timestamp")
    refused = spark.createDataFrame(
        [
            ("tiny", "silver.tiny_visits", "done", MON),
            ("tiny", "silver.tiny_visits", "killed", MON),
            ("tiny", "silver.tiny_shops", "new", MON),
            ("other", "silver.tiny_visits", "new", MON),
        ],
        "case string, `table` string, file string, arrived_at timestamp",
    )
    steps = [
        bronze_steps(bronze, "visits", MON),
        silver_steps(silver, "visits", MON),
        quarantine_steps(refused, "tiny", "silver.tiny_", MON),
    ]
    assert [tuple(row) for row in open_files(steps).collect()] == [
        ("visits", None, "dd", 5, 0, 0),  # something has yet to arrive
        ("visits", "killed", "bb", 2, 0, 1),
        ("visits", "new", "cc", 2, 0, 0),
    ]


def test_the_moment_of_arrival_itself_counts(spark):
    bronze = spark.createDataFrame(LANDED, BRONZE)

    found = open_files([bronze_steps(bronze, "visits", TUE)]).collect()

    assert [row["file"] for row in found] == ["done", "killed", "new", "to come"]
