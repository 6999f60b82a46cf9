"""Counting what became of rows, and refusing what does not add up."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lepton_spark.errors import DataError, InternalError
from lepton_spark.quality.accounting import (
    FileState,
    Tally,
    require_balance,
    require_few_refused,
    require_number,
    require_staged,
    tally,
)
from lepton_spark.quality.quarantine import Locator

STATE = "silver.tiny_visits is not made yet"
MON, TUE = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)


def counted(good=90, refused=10, duplicates=0, **reasons):
    named = {name.replace("__", ":"): number for name, number in reasons.items()}
    ordered = dict(sorted(named.items(), key=lambda pair: -pair[1]))
    return Tally({"a.csv": good}, {"a.csv": refused + duplicates}, refused, duplicates, ordered)


def test_a_file_is_refined_when_nothing_is_missing():
    assert FileState("a.csv", "ff", landed=10, good=7, quarantined=3).is_refined
    assert not FileState("a.csv", "ff", landed=10, good=7, quarantined=0).is_refined


def test_rows_that_add_up_pass():
    require_balance("silver.t", [FileState("a.csv", "ff", 100, 0, 0)], counted())


@pytest.mark.parametrize("landed", [99, 101])
def test_a_row_lost_or_gained_is_our_own_fault(landed):
    with pytest.raises(InternalError, match=rf"a\.csv has {landed} rows in bronze, 100 were"):
        require_balance("silver.t", [FileState("a.csv", "ff", landed, 0, 0)], counted())


def test_rows_that_are_in_silver_already_count():
    begun = [FileState("a.csv", "ff", landed=103, good=3, quarantined=10)]

    require_balance("silver.t", begun, counted())
    with pytest.raises(InternalError, match="100 were judged and 3 are in silver"):
        require_balance("silver.t", [replace(begun[0], landed=104)], counted())
    require_few_refused("visits", replace(counted(1, 1, not_int__id=1), settled=18), 0.05, STATE)


def test_a_share_of_refused_rows_at_the_limit_passes():
    require_few_refused("visits", counted(90, 10, not_int__id=10), 0.10, STATE)
    require_few_refused("visits", Tally({}, {}, 0, 0), 0.0, STATE)


def test_too_many_refused_rows_are_told_with_the_three_most_frequent_reasons():
    reasons = {"not_int__id": 4, "missing__day": 3, "bad_date__day": 2, "null_key__id": 1}

    with pytest.raises(DataError) as error:
        require_few_refused("visits", counted(90, 10, **reasons), 0.099, STATE)

    told = str(error.value)
    assert error.value.exit_code == 20
    assert "10 of 100 new rows are refused, 10.0%" in told
    assert "not_int:id 4, missing:day 3, bad_date:day 2" in told
    assert "null_key" not in told
    assert STATE in told
    assert "of not_int:id: set number.thousands" in error.value.fix
    assert str(pickle.loads(pickle.dumps(error.value))) == told


def test_the_first_row_of_each_told_reason_is_located_and_named_without_its_file():
    rows = counted(90, 10, not_int__id=6, missing__day=4)
    located = replace(rows, samples={"not_int:id": Locator("in/a.csv", 7)})

    with pytest.raises(DataError) as error:
        require_few_refused("visits", located, 0.05, STATE)

    row_id = Locator("in/a.csv", 7).row_id
    assert f"missing:day 4), such as in/a.csv:7 (row id {row_id})." in error.value.what
    assert len(row_id) == 10
    assert row_id != Locator("in/a.csv", 8).row_id


def test_duplicates_are_not_refused_rows():
    require_few_refused("visits", counted(10, 0, 90, exact_duplicate=90), 0.0, STATE)


def test_more_than_one_percent_of_milliseconds_is_refused_whatever_the_limit():
    few = counted(99, 1, looks_like_milliseconds__seen_at=1)
    many = counted(98, 2, looks_like_milliseconds__seen_at=2)

    require_few_refused("visits", few, 1.0, STATE)
    with pytest.raises(DataError, match="looks like milliseconds"):
        require_few_refused("visits", many, 1.0, STATE)


@pytest.mark.spark
def test_rows_are_counted_by_file_and_by_what_became_of_them(spark):
    rows = [
        ("a", 2, None, [], []),
        ("a", 3, None, [], ["shops by shop"]),
        ("a", 4, "refused", ["not_int:id", "missing:day"], ["shops by shop"]),
        ("b", 2, "duplicate", ["exact_duplicate"], []),
        ("b", 3, "refused", ["not_int:id"], []),
    ]
    schema = (
        "_file string, _row bigint, _severity string, _reasons array<string>,"
        " _unmatched array<string>"
    )

    found = tally(spark.createDataFrame(rows, schema), ["shops by shop", "towns by town"])

    assert found == Tally(
        good={"a": 2},
        bad={"a": 1, "b": 2},
        refused=2,
        duplicates=1,
        reasons={"not_int:id": 2, "exact_duplicate": 1, "missing:day": 1},
        unmatched={"shops by shop": 1, "towns by town": 0},
        samples={
            "not_int:id": Locator("a", 4),
            "exact_duplicate": Locator("b", 2),
            "missing:day": Locator("a", 4),
        },
    )
    assert next(iter(found.reasons)) == "not_int:id"
    assert (found.num_good, found.num_rows) == (2, 5)


@pytest.mark.spark
def test_staged_rows_must_be_those_that_were_counted(spark):
    schema = "_file string, _arrived_at timestamp, _known_at timestamp"
    staged = spark.createDataFrame([("a", MON, MON), ("a", MON, TUE), ("b", MON, MON)], schema)
    early = spark.createDataFrame([("a", TUE, MON)], schema)

    require_staged("silver.t", {"a": 2, "b": 1, "c": 0}, staged)
    require_number("ops.quarantine", 3, staged)
    with pytest.raises(InternalError, match="3 rows of 2 files are staged"):
        require_staged("silver.t", {"a": 2, "b": 2}, staged)
    with pytest.raises(InternalError, match="1 of them known before they arrived"):
        require_staged("silver.t", {"a": 1}, early)
    with pytest.raises(InternalError, match="3 rows are staged and 4 were counted"):
        require_number("ops.quarantine", 4, staged)
