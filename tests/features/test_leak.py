from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lepton_spark.features.leak import as_happened

MOMENT = datetime(2024, 1, 10, tzinfo=UTC)


def _on(day: int) -> datetime:
    return datetime(2024, 1, day, tzinfo=UTC)


@pytest.mark.spark
def test_a_version_that_becomes_known_later_leaves_the_one_before_it_in_place(spark):
    rows = spark.createDataFrame(
        [
            ("first", _on(1), _on(5)),
            ("second", _on(5), _on(12)),
            ("third", _on(12), None),
            ("alone", _on(2), None),
        ],
        "name string, _known_at timestamp, _superseded_at timestamp",
    ).selectExpr("*", "_known_at as _declared_at", "timestamp'2023-12-31 00:00' as happened")

    found = as_happened(rows, "happened", MOMENT)

    told = {(row["name"], row["_known_at"]) for row in found.collect()}
    assert {name for name, _ in told} == {"second", "alone"}
    assert {at.date().isoformat() for _, at in told} == {"2023-12-31"}
