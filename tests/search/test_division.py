from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_spark.config.search import FoldSettings
from lepton_spark.errors import TrainingError
from lepton_spark.search.division import Division, divisions, first_days, num_places, outers

DAY = date(2024, 1, 1)
KINDS = st.sampled_from(["stratified", "grouped", "time_ordered"])


def folds_of(kind, count, *, nested=False):
    by = "shop" if kind == "grouped" else None
    return FoldSettings(kind=kind, count=count, by=by, nested=nested)


@given(KINDS, st.integers(2, 20))
def test_each_place_is_judged_once_and_never_by_a_network_that_saw_it(kind, count):
    folds = folds_of(kind, count)
    places = range(num_places(folds))

    found = divisions(folds, places)

    judged = [each.judged for each in found]
    assert judged == list(places)[len(places) - count :]
    assert all(each.judged not in each.fitted for each in found)
    if kind == "time_ordered":
        assert all(max(each.fitted) < each.judged for each in found)
    else:
        assert all({*each.fitted, each.judged} == set(places) for each in found)


@given(KINDS, st.integers(3, 20))
def test_what_an_outer_fold_judges_takes_no_part_in_its_choice(kind, count):
    folds = folds_of(kind, count, nested=True)
    places = range(num_places(folds))

    found = outers(folds, places)

    assert len(found) == count - (kind == "time_ordered")
    for outer in found:
        seen = {place for each in outer.inner for place in (*each.fitted, each.judged)}
        assert seen == set(outer.division.fitted)
        assert outer.division.judged not in seen


def test_without_folds_rows_are_divided_as_the_case_splits_them():
    assert divisions(None, range(num_places(None))) == (Division((0,), 1),)
    assert outers(None, range(2)) == ()
    assert outers(folds_of("stratified", 3), range(3)) == ()


@given(st.lists(st.integers(1, 50), min_size=2, max_size=60), st.data())
def test_blocks_of_days_are_in_order_none_empty_and_about_as_large(sizes, data):
    count = data.draw(st.integers(2, len(sizes)))
    rows = {DAY + timedelta(days=place): size for place, size in enumerate(sizes)}

    firsts = first_days(rows, count)

    assert firsts == sorted(set(firsts))
    blocks = [0] * count
    for day, size in rows.items():
        blocks[bisect_right(firsts, day)] += size
    assert min(blocks) > 0
    if max(sizes) * count * 2 <= sum(sizes):
        assert max(blocks) - min(blocks) <= 2 * max(sizes)


def test_fewer_days_than_blocks_are_told():
    with pytest.raises(TrainingError, match=r"LS-6041: .* have 2 days, the folds need 3"):
        first_days({DAY: 5, DAY + timedelta(days=1): 9}, 3)
