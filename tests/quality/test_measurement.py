"""What is measured of each day, and that it is one pass whatever the number of rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from lepton_spark.config.column import Column
from lepton_spark.config.contract import Contract
from lepton_spark.config.table_rules import Compared, Counted, Filled, Fresh, Limit, TableRules
from lepton_spark.quality import measurement
from lepton_spark.quality.measurement import Plan, measure, metrics_of, newest_of, plan_of
from lepton_spark.quality.metrics import Metric

MON, TUE = datetime(2024, 1, 1, 23, tzinfo=UTC), datetime(2024, 1, 2, 1, tzinfo=UTC)
NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)
SCHEMA = (
    "_arrived_at timestamp, shop string, price double, desk string, seen timestamp,"
    " _marks array<string>"
)
ROWS = [
    (MON, "A", 1.0, "x", MON, []),
    (MON, "A", None, "x", TUE, ["missing:price"]),
    (MON, "B", 3.0, "x", None, []),
    (MON, None, 4.0, None, MON + timedelta(days=9), []),
    (TUE, "B", 100_049.0, "x", NOON, ["missing:price", "too_long:shop"]),
    (TUE, "B", 100_051.0, "y", MON, []),
]
PLAN = Plan(
    NOON,
    marks=("missing:price", "too_long:shop"),
    nulls={"price": frozenset({"", "shop"})},
    medians={"price": frozenset({""})},
    varying=("desk",),
    newest=("seen",),
    shares=("shop",),
    parts=("shop",),
)


def test_a_contract_without_rules_is_not_measured():
    columns = (Column("price", "number", minimum=0.0),)

    assert plan_of(Contract("orders", columns), NOON) is None


def test_only_what_rules_need_is_measured():
    compared = Compared(measure="null_rate", column="price", days=7, within=0.1, by=("shop",))
    rules = TableRules(
        compared=(compared, replace(compared, measure="share", column="desk", by=())),
        filled=(Filled(column="note", varies=False, min_rows=2),),
        fresh=(Fresh(column="seen", at_most=timedelta(days=1), is_date=False),),
        counted=(Counted(counts="too_long:shop", limit=Limit("mustBe", 1, 1)),),
    )
    columns = (Column("price", "number", missing=(), severities=(("missing", "warning"),)),)

    assert plan_of(Contract("orders", columns, "orders", rules), NOON) == Plan(
        NOON,
        marks=("missing:price", "too_long:shop"),
        nulls={"price": frozenset({"", "shop"}), "note": frozenset({""})},
        newest=("seen",),
        shares=("desk",),
        parts=("desk", "shop"),
    )


@pytest.mark.spark
def test_each_day_and_each_part_of_it_is_measured(spark):
    rows = spark.createDataFrame(ROWS, SCHEMA)

    found = metrics_of(measure(rows, PLAN).collect(), PLAN)

    mon, tue = date(2024, 1, 1), date(2024, 1, 2)
    assert [each for each in found if each.day == mon and each.part is None] == [
        Metric("rows", 4.0, day=mon),
        Metric("missing", 1.0, column="price", day=mon),
        Metric("too_long", 0.0, column="shop", day=mon),
        Metric("null_rate", 0.25, column="price", day=mon),
        Metric("quantile_0.5", 3.0, column="price", day=mon),
        Metric("varies", 0.0, column="desk", day=mon),
        Metric("newest", MON.timestamp() + 2 * 3600, column="seen", day=mon),
        Metric("last", MON.timestamp() + 9 * 86400, column="seen", day=mon),
        Metric("share", 0.5, column="shop", day=mon, text="A"),
        Metric("share", 0.25, column="shop", day=mon, text="B"),
    ]  # fmt: skip
    by_shop = {each.part: each.value for each in found if each.day == mon and each.part}
    assert by_shop.keys() == {"shop=A", "shop=B"}
    rates = {each.part: each.value for each in found if each.name == "null_rate"}
    assert rates == {None: 0.0, "shop=A": 0.5, "shop=B": 0.0}
    told = {(each.name, each.column): each.value for each in found if each.day == tue}
    assert told["quantile_0.5", "price"] == pytest.approx(100_050, rel=1e-3)
    assert (told["varies", "desk"], told["too_long", "shop"]) == (1.0, 1.0)
    assert newest_of(found) == {"seen": NOON.timestamp()}
    assert newest_of(found, "last") == {"seen": MON.timestamp() + 9 * 86400}


@pytest.mark.spark
@pytest.mark.parametrize("value", [5e-324, 1e-321, 1.7976e308, -1.7976931348623157e308, 0.0])
def test_a_median_of_the_smallest_and_largest_numbers_is_one_of_them(spark, value):
    rows = spark.createDataFrame([(MON, "A", value, "x", MON, [])] * 3, SCHEMA)

    found = metrics_of(measure(rows, PLAN).collect(), PLAN)

    (median,) = (each.value for each in found if each.name == "quantile_0.5")
    assert median == pytest.approx(value, rel=1e-3)


@pytest.mark.spark
def test_of_many_categories_the_most_frequent_are_measured(spark, monkeypatch):
    monkeypatch.setattr(measurement, "MOST_PARTS", 1)
    rows = spark.createDataFrame(ROWS, SCHEMA).repartition(3)

    found = metrics_of(measure(rows, PLAN).collect(), PLAN)

    shares = [(each.day.day, each.text) for each in found if each.name == "share"]
    assert shares == [(1, "A"), (2, "B")]


@pytest.mark.spark
def test_many_rules_read_the_rows_once_as_one_rule_does(spark):
    rows = spark.createDataFrame(ROWS, SCHEMA)
    one = Plan(NOON, nulls={"price": frozenset({""})})

    def operators(plan):
        text = measure(rows, plan)._jdf.queryExecution().optimizedPlan().toString()
        return {each: text.count(each) for each in ("Aggregate [", "LogicalRDD [", "Join ")}

    assert operators(PLAN) == operators(one)
    assert operators(PLAN) == {"Aggregate [": 1, "LogicalRDD [": 1, "Join ": 0}
