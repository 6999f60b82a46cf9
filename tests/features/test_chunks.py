"""How many chunks and parts there are, without Spark."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lepton_spark.features.chunks import Chunks, Parts, longest_span, shared_keys
from lepton_spark.features.history import HistoryPlan
from lepton_spark.features.latest import LatestPlan
from lepton_spark.features.questions import Days

DAY = 19_723
MOST = 500_000


def _night(rows: int, events: int, by: tuple[str, ...] = (), partitions: int = 200) -> Chunks:
    """One day alone."""
    longest = timedelta(days=28)
    chunks = Chunks.over(DAY, DAY, rows=rows, longest=longest, partitions=partitions)
    return chunks.cut(rows, events, by=by, partitions=partitions)


@pytest.mark.parametrize("by", [(), ("customer",)])
@pytest.mark.parametrize("partitions", [2, 200])
def test_no_part_of_a_day_of_ten_million_rows_is_more_than_a_worker_can_hold(by, partitions):
    rows = 10_000_000

    chunks = _night(rows, 300_000_000, by, partitions)

    assert chunks.number == 1
    assert chunks.tasks == chunks.parts.number >= 20
    assert rows / chunks.tasks <= MOST


def test_where_all_plans_share_a_key_all_workers_have_a_part_and_no_event_is_copied():
    chunks = _night(400_000, 20_000_000, ("customer",))

    assert chunks.parts == Parts(("customer",), groups=200, copies=1)


def test_without_a_shared_key_events_are_copied_no_more_often_than_there_are_rows_for_them():
    assert _night(400_000, 0).tasks == 8  # what is smaller is not worth a task
    assert _night(400_000, 100_000).parts == Parts(copies=4)
    assert _night(400_000, 20_000_000).tasks == 1


@pytest.mark.parametrize("by", [(), ("customer",)])
def test_a_day_of_few_rows_is_one_task(by):
    assert _night(900, 25_000, by).tasks == 1
    assert _night(0, 0, by).tasks == 1


def test_days_that_make_a_task_for_each_worker_are_not_cut_again():
    chunks = Chunks.over(0, 999, rows=10_000_000, longest=timedelta(days=2), partitions=200)

    assert chunks.number == 200
    assert chunks.cut(10_000_000, 10**9, by=("customer",), partitions=200).tasks == 200


def test_a_key_that_most_rows_have_is_cut_by_row():
    chunks = _night(10_000_000, 10**8, ("customer",))

    assert chunks.may_be_uneven(10_000_000)
    assert not _night(MOST, 10**8, ("customer",)).may_be_uneven(MOST)
    assert chunks.with_room_for(6_000_001).parts.copies == 13
    assert chunks.with_room_for(60_000) == chunks


def test_rows_of_which_most_are_of_one_year_may_be_uneven():
    years = 20 * 365
    chunks = Chunks.over(0, years, rows=10_000_000, longest=None, partitions=16)

    cut = chunks.cut(10_000_000, 1000, by=(), partitions=16)

    assert cut.may_be_uneven(10_000_000)
    assert cut.with_room_for(9_000_000).parts.copies == 18


def test_a_part_has_the_days_of_its_chunk():
    chunks = Chunks(10, 7, 3, Parts(("world",), groups=2, copies=2))

    assert [chunks.days(task) for task in (0, 3, 4, 11)] == [
        Days(10, 7), Days(10, 7), Days(17, 7), Days(24, 7),
    ]  # fmt: skip


def test_only_what_is_in_each_key_of_each_plan_is_shared():
    week = timedelta(days=7)
    latest = LatestPlan("weather", ("place", "customer"), {}, week)
    history = HistoryPlan("sales", (("customer", "shop"), ("customer",)), {"7d": week}, ())

    assert shared_keys([latest, history]) == ("customer",)
    assert shared_keys([latest, HistoryPlan("sales", (("customer",), ()), {"7d": week}, ())]) == ()
    assert shared_keys([]) == ()


def test_the_longest_span_has_no_end_where_one_has_none():
    week = timedelta(days=7)
    bounded = HistoryPlan("sales", ((),), {"7d": week}, ())

    assert longest_span([bounded, LatestPlan("weather", ("place",), {}, 2 * week)]) == 2 * week
    assert longest_span([bounded, HistoryPlan("sales", ((),), {"all": "all"}, ())]) is None
