from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import functions as F

from lepton_spark.config.features import Features
from lepton_spark.features.holiday import Holidays
from lepton_spark.features.own import add_row_features, holidays_around

AS_OF = date(2024, 1, 2)
FEATURES = Features.model_validate(
    {"own": [], "calendar": {"due_on": {"parts": ["month"], "holidays": "AT"}}}
)


def test_a_column_without_any_day_has_holidays_all_the_same():
    assert holidays_around(FEATURES, {"due_on": (None, None)}, AS_OF) == {
        "due_on": Holidays(AS_OF, AS_OF, ())
    }
    found = holidays_around(FEATURES, {"due_on": (AS_OF, AS_OF)}, AS_OF)
    assert date(2024, 1, 6) in found["due_on"].days


@pytest.mark.spark
def test_all_features_of_a_calendar_without_any_day_are_null(spark):
    rows = spark.createDataFrame([(1, None)], "n int, due_on date")
    holidays = holidays_around(FEATURES, {"due_on": (None, None)}, AS_OF)

    featured = add_row_features(rows, FEATURES, holidays)

    assert featured.columns[2:] == [
        "due_on_month", "due_on_is_holiday", "due_on_days_to_holiday", "due_on_days_since_holiday",
    ]  # fmt: skip
    assert [tuple(row) for row in featured.collect()] == [(1, None, None, None, None, None)]


@pytest.mark.spark
def test_a_day_after_all_known_holidays_is_none_itself(spark):
    days = [date(2024, 1, 1), date(2024, 1, 2), None]
    known = Holidays(days[0], days[1], (days[0],))
    rows = spark.createDataFrame([(day,) for day in days], "day date")

    told = rows.select(known.is_holiday(F.col("day")), known.days_to(F.col("day"))).collect()

    assert [tuple(row) for row in told] == [(True, 0), (False, None), (None, None)]
