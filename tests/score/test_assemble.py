from __future__ import annotations

import pytest

from lepton_spark.score.assemble import assemble

pytestmark = pytest.mark.spark


def test_a_row_without_a_score_says_whether_the_model_or_its_features_are_why(spark):
    accepted = spark.createDataFrame(
        [(1, "a", 2), (2, "a", 3), (3, "a", 4)], "visit int, _file string, _row bigint"
    )
    refused = spark.createDataFrame(
        [], "visit int, _file string, _row bigint, _reasons array<string>"
    )
    scores = spark.createDataFrame([(1, 0.5), (2, None)], "visit int, score double")

    found = assemble(accepted, refused, scores, ["visit"], "outlier").orderBy("visit").collect()

    assert [(row["score"], row["status"], row["reason"]) for row in found] == [
        (0.5, "scored", None),
        (None, "refused", "outlier"),
        (None, "refused", "no_features"),
    ]
