"""Measured numbers against promises: plain numbers, no Spark."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from statistics import median

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lepton_spark.config.table_rules import Compared, Counted, Filled, Fresh, Limit, TableRules
from lepton_spark.quality.expectation import findings_of, stale
from lepton_spark.quality.metrics import MOST_PARTS, Metric

DAY = date(2024, 3, 10)
VOLUME = Compared(measure="volume", days=7, within=0.073, min_rows=1)
MEDIAN = Compared(measure="median", column="price", days=7, within=0.5, min_rows=1)
NULLS = Compared(measure="null_rate", column="price", days=7, within=0.05, by=("shop",))
SHARES = Compared(measure="share", column="shop", days=7, within=0.1)


def before(*numbers, name="rows", **of):
    """A measure on the days before, the last one yesterday."""
    first = DAY - timedelta(days=len(numbers))
    return [
        Metric(name, number, day=first + timedelta(days=index), **of)
        for index, number in enumerate(numbers)
    ]


def on_the_day(number, name="rows", **of):
    return Metric(name, number, day=DAY, **of)


def found(rule, measured, earlier=()):
    return findings_of(TableRules(compared=(rule,)), measured, earlier)


def whats(rule, measured, earlier=()):
    return [finding.what for finding in found(rule, measured, earlier)]


def test_a_volume_is_told_with_what_was_expected():
    earlier = before(40_000.0, 41_000.0, 41_000.0, 43_000.0)

    assert whats(VOLUME, [on_the_day(12_001.0)], earlier) == [
        "12,001 rows on 2024-03-10, expected 38,007-43,993."
    ]
    assert whats(VOLUME, [on_the_day(38_007.0)], earlier) == []


def test_a_first_landing_of_many_days_is_judged_day_by_day():
    nights = [*before(10.0, 10.0, 10.0, 90.0, 10.0), on_the_day(10.0)]

    assert whats(VOLUME, nights) == [
        "90 rows on 2024-03-08, expected 9-11.",
    ]


def test_with_too_few_days_nothing_is_compared():
    assert whats(VOLUME, [on_the_day(1.0)], before(100.0, 100.0)) == []
    assert whats(VOLUME, [on_the_day(1.0)], before(100.0, 100.0, 100.0)) != []


def test_days_before_the_window_do_not_count():
    earlier = before(*[100.0] * 9, *[5.0] * 7)

    assert whats(VOLUME, [on_the_day(5.0)], earlier) == []
    assert whats(replace(VOLUME, days=16), [on_the_day(5.0)], earlier) != []


def test_the_rest_of_a_day_that_was_measured_before_is_no_small_day():
    earlier = [*before(100.0, 100.0, 100.0), on_the_day(99.0)]

    assert whats(VOLUME, [on_the_day(1.0)], earlier) == []


@pytest.mark.parametrize(
    ("today", "told"),
    [
        (1000.0, "100 times that of the 3 days before; it looks like cents."),
        (0.1, "0.01 times that of the 3 days before; it looks as if it had been cents before."),
        (10_000.0, "1,000 times that of the 3 days before; it looks like thousandths"),
        (16.0, "1.6 times that of the 3 days before."),
        (-10.0, "-1 times that of the 3 days before."),
        (0.0, "0 times that of the 3 days before."),
    ],
)
def test_another_unit_is_named_by_the_ratio_of_the_medians(today, told):
    earlier = before(10.0, 10.0, 10.0, name="quantile_0.5", column="price")
    now = [on_the_day(today, "quantile_0.5", column="price"), on_the_day(50.0)]

    (what,) = whats(MEDIAN, now, earlier)

    assert what.startswith(f"the median of price on 2024-03-10 is {told}")


def test_a_median_that_was_nothing_has_no_multiple():
    earlier = before(0.0, 0.0, 0.0, name="quantile_0.5", column="price")

    assert found(MEDIAN, [on_the_day(3.0, "quantile_0.5", column="price")], earlier) == []


def test_nulls_of_one_part_are_told_though_the_whole_day_is_within():
    earlier = [
        *before(0.0, 0.0, 0.0, name="null_rate", column="price"),
        *before(0.0, 0.0, 0.0, name="null_rate", column="price", part="shop=B"),
    ]
    now = [
        on_the_day(5000.0),
        on_the_day(500.0, part="shop=B"),
        on_the_day(0.01, "null_rate", column="price"),
        on_the_day(0.10, "null_rate", column="price", part="shop=B"),
    ]

    assert whats(NULLS, now, earlier) == [
        "the null rate of price for shop=B on 2024-03-10 is 10.0%, expected at most 5.0%."
    ]
    small = [now[0], on_the_day(99.0, part="shop=B"), *now[2:]]
    assert whats(NULLS, small, earlier) == []
    assert whats(replace(NULLS, by=()), now, earlier) == []


def of_shop(number, shop="north"):
    return before(number, number, number, part=f"shop={shop}")


def test_a_part_that_is_gone_has_no_rows():
    rule = replace(VOLUME, within=0.5, by=("shop",))
    earlier = [*before(2000.0, 2000.0, 2000.0), *of_shop(1000.0), *of_shop(1000.0, "south")]
    now = [on_the_day(1900.0), on_the_day(1400.0, part="shop=south")]

    assert whats(rule, now, earlier) == ["0 rows for shop=north on 2024-03-10, expected 500-1,500."]
    opened = [*now, on_the_day(500.0, part="shop=east"), on_the_day(700.0, part="shop=north")]
    assert whats(rule, opened, earlier) == []


def test_a_part_that_may_only_be_too_small_to_be_measured_is_not_gone():
    rule = replace(VOLUME, within=0.5, by=("shop",))
    earlier = [*before(2000.0, 2000.0, 2000.0), *of_shop(10.0)]
    others = [on_the_day(19.0, part=f"shop={number}") for number in range(MOST_PARTS)]

    assert whats(rule, [on_the_day(1900.0), *others], earlier) == []
    assert whats(rule, [on_the_day(1900.0), *others[1:]], earlier) != []


def test_fewer_nulls_are_no_harm():
    earlier = before(0.5, 0.5, 0.5, name="null_rate", column="price")

    assert (
        found(NULLS, [on_the_day(500.0), on_the_day(0.0, "null_rate", column="price")], earlier)
        == []
    )


def test_a_category_that_is_gone_has_no_share():
    earlier = [
        *before(200.0, 200.0, 200.0),
        *before(0.6, 0.6, 0.6, name="share", column="shop", text="A"),
        *before(0.4, 0.4, 0.4, name="share", column="shop", text="B\x1b[31m"),
    ]
    now = [on_the_day(200.0), on_the_day(1.0, "share", column="shop", text="A")]

    assert whats(SHARES, now, earlier) == [
        "the share of shop of A on 2024-03-10 is 100.0%, expected 50.0%-70.0%.",
        "the share of shop of B?[31m on 2024-03-10 is 0.0%, expected 30.0%-50.0%.",
    ]


def test_a_column_is_constant_or_empty_from_so_many_rows_on():
    rules = TableRules(
        filled=(
            Filled(column="desk", varies=True, min_rows=10),
            Filled(column="note", varies=False, min_rows=10),
        )
    )
    now = [
        on_the_day(10.0),
        on_the_day(0.0, "varies", column="desk"),
        on_the_day(0.0, "null_rate", column="desk"),
        on_the_day(1.0, "null_rate", column="note"),
    ]

    assert [each.code for each in findings_of(rules, now, [])] == ["LS-2103", "LS-2104"]
    assert findings_of(rules, [on_the_day(9.0), *now[1:]], []) == []


def test_marked_rows_are_counted_in_rows_or_in_percent():
    at_most = Limit("mustBeLessOrEqualTo", 5, 5)
    rows = Counted(counts="missing:email", limit=at_most)
    share = replace(rows, in_percent=True)
    now = [on_the_day(100.0), on_the_day(6.0, "missing", column="email")]

    (told,) = findings_of(TableRules(counted=(rows,)), now, [])
    assert told.what == "6 rows with missing:email on 2024-03-10, expected at most 5."
    (told,) = findings_of(TableRules(counted=(share,)), now, [])
    assert told.what == "6.00 % of rows with missing:email on 2024-03-10, expected at most 5."
    assert findings_of(TableRules(counted=(share,)), [on_the_day(120.0), now[1]], []) == []


SEEN = Fresh(column="seen_at", at_most=timedelta(hours=26), is_date=False)
NOON = datetime(2024, 3, 10, 12, tzinfo=UTC)


def test_a_newest_value_is_as_old_as_the_hours_since_it():
    at = (NOON - timedelta(hours=26)).timestamp()

    assert stale([SEEN], {"seen_at": at}, NOON) == []
    (told,) = stale([SEEN], {"seen_at": at - 3600}, NOON)
    assert (told.code, told.what) == (
        "LS-2107",
        "the newest seen_at is 27.0 hours old at 2024-03-10 12:00 UTC, at most 26.0 hours is"
        " promised.",
    )  # fmt: skip
    (told,) = stale([SEEN], {}, NOON)
    assert "seen_at has no value up to the moment of the run" in told.what


def test_a_date_is_as_old_as_the_days_since_it():
    day = Fresh(column="day", at_most=timedelta(days=1), is_date=True)
    yesterday = datetime(2024, 3, 9, tzinfo=UTC).timestamp()

    assert stale([day], {"day": yesterday}, NOON) == []
    assert stale([day], {"day": yesterday}, NOON + timedelta(hours=13)) != []


NUMBERS = st.floats(1, 1e6)


@given(st.lists(NUMBERS, min_size=3, max_size=7), NUMBERS, st.floats(0.01, 0.99))
@example([100.0] * 3, 100.0, 0.5)
def test_a_volume_is_broken_exactly_where_it_leaves_the_span(past, today, within):
    middle = median(past)
    assume(not math.isclose(abs(today - middle), within * middle, rel_tol=1e-9))

    broken = found(replace(VOLUME, within=within), [on_the_day(today)], before(*past))

    assert bool(broken) == (abs(today - middle) > within * middle)


@given(st.lists(NUMBERS, min_size=3, max_size=7), NUMBERS, st.floats(0.01, 20))
def test_a_median_may_rise_by_as_much_as_it_may_fall(past, today, within):
    rule = replace(MEDIAN, within=within)
    middle = median(past)
    mirrored = middle * middle / today
    assume(not math.isclose(max(today / middle, middle / today), 1 + within, rel_tol=1e-6))
    earlier = before(*past, name="quantile_0.5", column="price")

    def is_broken(value):
        now = [on_the_day(value, "quantile_0.5", column="price"), on_the_day(9.0)]
        return bool(found(rule, now, earlier))

    assert is_broken(today) == is_broken(mirrored)
    assert is_broken(today) == (max(today / middle, middle / today) > 1 + within)


@given(st.permutations(before(*[float(n) for n in range(5, 15)])), st.floats(0, 100))
def test_the_order_in_which_metrics_come_does_not_matter(earlier, today):
    now = [on_the_day(today)]

    assert whats(VOLUME, now, earlier) == whats(VOLUME, now, sorted(earlier, key=lambda m: m.day))


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_an_operator_and_its_opposite_never_both_hold(low, high, number):
    low, high = sorted((low, high))

    def holds(operator):
        return Limit(operator, low, high).holds(number)

    assert holds("mustBe") != holds("mustNotBe")
    assert holds("mustBeGreaterThan") != holds("mustBeLessOrEqualTo")
    assert holds("mustBeLessThan") != holds("mustBeGreaterOrEqualTo")
    assert holds("mustBeBetween") != holds("mustNotBeBetween")
    assert holds("mustBeBetween") == (low <= number <= high)
