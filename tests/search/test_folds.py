from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import pytest

from lepton_spark.search.folds import grouped, stratified, time_ordered

pytestmark = pytest.mark.spark
SCHEMA = "key int, day date, shop string, _label double"
COUNT = 4


@pytest.fixture(scope="module")
def rows(spark):
    """Labels of three classes, one of them rare; shops of very different size; uneven days."""
    made = [
        (
            n,
            date(2024, 1, 1) + timedelta(days=int(n**0.5)),
            f"shop {int(n**0.4)}" if n % 10 else None,
            float(n % 97 == 0) * 2 or float(n % 3 == 0),
        )
        for n in range(1000)
    ]
    return spark.createDataFrame(made, SCHEMA).repartition(3, "key").cache()


def placed(frame):
    return {row["key"]: row for row in frame.collect()}


def test_shares_of_each_label_differ_by_one_row_and_follow_from_the_seed(rows):
    found = placed(stratified(rows, ["key"], COUNT, 7))

    assert sorted(found) == list(range(1000))
    counts = Counter((row["_label"], row["_place"]) for row in found.values())
    for label in (0.0, 1.0, 2.0):
        dealt = [counts[label, place] for place in range(COUNT)]
        assert max(dealt) - min(dealt) <= 1
    again = placed(stratified(rows.repartition(5), ["key"], COUNT, 7))
    other = placed(stratified(rows, ["key"], COUNT, 8))
    places = [[each[key]["_place"] for key in found] for each in (found, again, other)]
    assert places[0] == places[1] != places[2]


def test_labels_that_are_all_different_are_dealt_too(rows):
    found = placed(stratified(rows.withColumn("_label", rows["key"] / 7), ["key"], COUNT, 7))

    counts = Counter(row["_place"] for row in found.values())
    assert min(counts[place] for place in range(COUNT)) > 150


def test_groups_are_never_cut_and_no_place_is_empty(rows):
    found = placed(grouped(rows, "shop", COUNT, 7))

    assert sorted(found) == list(range(1000))
    places = {}
    for row in found.values():
        places.setdefault(row["shop"], set()).add(row["_place"])
    assert None in places
    assert {len(each) for each in places.values()} == {1}
    assert {place for each in places.values() for place in each} == set(range(COUNT))


def test_later_places_are_of_later_days(rows):
    found = placed(time_ordered(rows, "day", COUNT, 0))

    assert sorted(found) == list(range(1000))
    days = [{row["day"] for row in found.values() if row["_place"] == n} for n in range(COUNT)]
    for earlier, later in pairwise(days):
        assert max(earlier) < min(later)


def test_rows_shortly_before_a_later_place_are_in_none(rows):
    every, found = (placed(time_ordered(rows, "day", COUNT, gap)) for gap in (0, 2))
    firsts = [min(row["day"] for row in every.values() if row["_place"] == n) for n in (1, 2, 3)]

    assert {key: row["_place"] for key, row in found.items()} == {
        key: row["_place"]
        for key, row in every.items()
        if all(row["day"] - first not in (timedelta(-1), timedelta(-2)) for first in firsts)
    }
    assert len(found) < len(every)
