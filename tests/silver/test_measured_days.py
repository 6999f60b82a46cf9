"""Which of several measurements of a day later days are compared with."""

from __future__ import annotations

from datetime import date

import pytest

from lepton_spark.silver.measured_days import metrics_between

pytestmark = pytest.mark.spark

MON, TUE = date(2024, 1, 1), date(2024, 1, 2)
SCHEMA = (
    "case string, table string, as_of date, run_id string, name string, value double,"
    " column string, part string, day date, text string"
)


def told(spark, runs):
    rows = [
        ("shop", "silver.shop_sales", as_of, run, name, value, column, None, MON, None)
        for as_of, run, values in runs
        for (name, column), value in values.items()
    ]
    other = ("other", "silver.shop_sales", MON, "r-0", "rows", 9.0, None, None, MON, None)
    metrics = spark.createDataFrame([*rows, other], SCHEMA)
    found = metrics_between(metrics, "shop", "silver.shop_sales", (MON, TUE)).collect()
    return {(row["name"], row["column"]): row["value"] for row in found}


@pytest.mark.parametrize(("first", "second"), [("r-1", "r-2"), ("r-2", "r-1")])
@pytest.mark.parametrize("late", [MON, TUE])
def test_a_late_file_does_not_stand_for_its_day(spark, first, second, late):
    whole = {("rows", None): 40_000.0, ("quantile_0.5", "price"): 5.0}
    rest = {("rows", None): 7.0, ("quantile_0.5", "price"): 900.0}

    assert told(spark, [(MON, first, whole), (late, second, rest)]) == whole


def test_of_runs_that_measured_as_many_rows_the_later_date_counts(spark):
    runs = [
        (TUE, "r-1", {("rows", None): 5.0, ("null_rate", "price"): 0.0}),
        (MON, "r-2", {("rows", None): 5.0, ("null_rate", "price"): 1.0}),
    ]

    assert told(spark, runs)["null_rate", "price"] == 0.0
