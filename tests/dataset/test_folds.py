from __future__ import annotations

import pytest
from pyspark.sql import functions as F

from lepton_spark.config.fitted import TargetEncodingSettings
from lepton_spark.dataset.folds import folds_of, with_folds

pytestmark = pytest.mark.spark
SETTINGS = TargetEncodingSettings(columns=("shop",), folds=4)


def test_training_rows_are_dealt_to_folds_by_their_key_and_no_others(spark):
    rows = spark.range(3000).withColumn(
        "_split", F.when(F.col("id") % 3 == 0, "test").otherwise("train")
    )

    found, added = with_folds(rows, SETTINGS, ["id"])

    counts = {row["_fold"]: row["count"] for row in found.groupBy("_fold").count().collect()}
    assert added == ["_fold"]
    assert counts.pop(None) == 1000
    assert set(counts) == {0, 1, 2, 3}
    assert all(400 < count < 600 for count in counts.values())


def test_without_encodings_there_are_no_folds(spark):
    rows = spark.range(1)

    assert with_folds(rows, None, ["id"]) == (rows, [])
    assert folds_of(None) == {}
    assert folds_of(SETTINGS) != folds_of(SETTINGS.model_copy(update={"seed": 1}))
