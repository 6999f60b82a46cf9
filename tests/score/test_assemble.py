from __future__ import annotations

from datetime import date

import pytest

from lepton_spark.score.assemble import Scorer, assemble, signed

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


def test_all_that_is_said_of_a_row_stands_beside_its_score(spark):
    accepted = spark.createDataFrame([(1, "a", 2)], "visit int, _file string, _row bigint")
    refused = spark.createDataFrame(
        [(2, "a", 3, ["amount.null"])],
        "visit int, _file string, _row bigint, _reasons array<string>",
    )
    scores = spark.createDataFrame(
        [(1, 0.7, "bee", {"ant": 0.3, "bee": 0.7})],
        "visit int, score double, decision string, probabilities map<string,double>",
    )

    rows = assemble(accepted, refused, scores, ["visit"], "outlier")
    found = signed(rows, ["visit"], date(2024, 3, 1), Scorer("m", "1", "d", None, "r"))

    good, bad = found.orderBy("visit").collect()
    assert (good["decision"], good["probabilities"]) == ("bee", {"ant": 0.3, "bee": 0.7})
    assert (bad["score"], bad["decision"], bad["probabilities"]) == (None, None, None)
    assert found.columns[:5] == ["visit", "as_of", "score", "decision", "probabilities"]
