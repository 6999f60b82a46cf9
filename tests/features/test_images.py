from __future__ import annotations

from datetime import date

import pytest

from lepton_spark.features.images import with_images

pytestmark = pytest.mark.spark
ROWS = "key int, day date, shot binary, other int"


def test_each_row_gets_the_image_of_its_own_day_and_none_is_lost(spark):
    days = [date(2024, 1, 1), date(2024, 1, 2)]
    rows = spark.createDataFrame(
        [(key, day, bytes([key, day.day]) if key else None, 7) for key in range(3) for day in days],
        ROWS,
    )
    features = rows.select("key", "day", rows["key"].cast("double").alias("total")).orderBy("total")

    found = with_images(features, rows, ["shot"], ["key", "day"])

    assert found.columns == ["key", "day", "total", "shot"]
    told = {(row["key"], row["day"].day): row["shot"] for row in found.collect()}
    assert told == {
        (key, day.day): bytes([key, day.day]) if key else None for key in range(3) for day in days
    }


def test_without_images_nothing_is_joined(spark):
    rows = spark.range(1)

    assert with_images(rows, rows, [], ["id"]) is rows
