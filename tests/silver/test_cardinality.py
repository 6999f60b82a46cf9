"""What lookups promise: how many rows find one, and how many find none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pyspark.sql import functions as F

from lepton_spark.config.source import Source
from lepton_spark.errors import DataError
from lepton_spark.quality.accounting import Tally
from lepton_spark.silver.cardinality import require_matches, require_one_to_one

STATE = "silver.t is not made yet"
CANARY = "canary-4711"


def source(**lookup):
    given = {"from": "shops", "on": {"place": "shop"}, "take": {"beds": "beds"}, **lookup}
    return Source.model_validate(
        {"path": "v.csv", "contract": "v", "key": ["visit"], "lookup": [given]}
    )


def counted(good, missed):
    return Tally({"a.csv": good}, {}, 0, 0, unmatched={"shops by place": missed})


def test_a_share_of_unmatched_rows_at_the_limit_passes():
    require_matches("visits", source(max_unmatched=0.1), counted(100, 10), STATE)
    require_matches("visits", source(max_unmatched=0), counted(0, 0), STATE)


def test_without_a_limit_nothing_has_to_match():
    require_matches("visits", source(), counted(10, 10), STATE)


def test_more_unmatched_rows_than_allowed_are_told_with_lookup_numbers_and_setting():
    with pytest.raises(DataError) as error:
        require_matches("visits", source(max_unmatched=0.1), counted(100, 11), STATE)

    told = str(error.value)
    assert error.value.code == "LS-2150"
    assert "11 of 100 good new rows find nothing in shops by place, 11.0%" in told
    assert "sources.visits.lookup.0.max_unmatched" in told
    assert STATE in told


ROWS = "visit int, place string, _severity string, _unmatched array<string>"
FATES = [
    (1, CANARY, None, []),
    (2, CANARY, "duplicate", []),
    (3, CANARY, "refused", []),
    (1, CANARY, None, []),
    (4, None, None, []),
    (5, None, None, []),
    (6, "nowhere", None, ["shops by place"]),
    (7, "nowhere", None, ["shops by place"]),
    (8, "B", None, []),
]


def given_rows(spark, fates, day=2):
    """Rows of a file that arrived on a day, in their order."""
    rows = [(*fate, number) for number, fate in enumerate(fates, start=2)]
    at = F.lit(datetime(2024, 1, day, tzinfo=UTC))
    return spark.createDataFrame(rows, f"{ROWS}, _row bigint").withColumns(
        {"_file": F.lit(f"{day}.csv"), "_arrived_at": at, "_known_at": at}
    )


@pytest.mark.spark
def test_versions_duplicates_and_rows_without_a_match_share_nothing(spark):
    judged = given_rows(spark, FATES)

    require_one_to_one("visits", source(cardinality="one_to_one"), judged, None, STATE)


@pytest.mark.spark
def test_two_keys_that_find_one_row_are_told_by_their_numbers_alone(spark):
    judged = given_rows(spark, [*FATES, (9, CANARY, None, []), (10, "B", None, [])])

    require_one_to_one("visits", source(), judged, None, STATE)
    with pytest.raises(DataError) as error:
        require_one_to_one("visits", source(cardinality="one_to_one"), judged, None, STATE)

    assert error.value.code == "LS-2151"
    assert "4 keys find 2 rows of shops by place" in str(error.value)
    assert CANARY not in str(error.value)


@pytest.mark.spark
def test_a_key_that_finds_what_another_one_holds_in_silver_is_told(spark):
    only = source(cardinality="one_to_one")
    silver = given_rows(spark, [(1, "A", None, []), (2, "B", None, []), (3, "B", None, [])], 1)
    moved = given_rows(spark, [(1, "C", None, []), (9, "A", None, [])])
    taken = given_rows(spark, [(9, "A", None, [])])

    # What two keys shared before is not told again each night.
    require_one_to_one("visits", only, moved, silver, STATE)
    with pytest.raises(DataError) as error:
        require_one_to_one("visits", only, taken, silver, STATE)

    assert "2 keys find 1 rows of shops by place" in str(error.value)
