"""Counting in Spark gives the metrics of the rows themselves; nothing but results comes back."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import functions as F
from sklearn import metrics as reference

from lepton_spark.evaluate.counting import (
    ALL,
    NOWHERE,
    best_places,
    count_scores,
    largest_values,
    measure_counts,
)
from lepton_spark.evaluate.measure import Resampling
from lepton_spark.evaluate.metrics import BINS, threshold_of
from tests.evaluate.scores import invent

pytestmark = pytest.mark.spark

SCHEMA = "_label double, p_good double, p_bad double, _unit int, shop string, _split string"


@pytest.fixture(scope="module")
def invented():
    labels, scores, units = invent(4000)
    shops = np.random.default_rng(2).choice(["a", "b", "c"], 4000, p=[0.6, 0.3, 0.1])
    return labels, scores, units, shops


@pytest.fixture(scope="module")
def counts(spark, invented):
    labels, scores, units, shops = invented
    rows = [
        (float(label), float(score), 1 - float(score), int(unit), str(shop), part)
        for label, score, unit, shop in zip(labels, scores, units, shops, strict=True)
        for part in ("validate", "test")
    ]
    frame = spark.createDataFrame(rows, SCHEMA)
    return count_scores(frame, ["good", "bad"], {"shop": F.col("shop")}).cache()


def test_every_row_is_counted_once_for_each_model_part_and_slice(counts):
    rows = F.sum(F.col("positives") + F.col("negatives")).alias("rows")

    found = counts.groupBy("model", "part", "slice").agg(rows).collect()

    assert len(found) == 8
    assert {row["rows"] for row in found} == {4000}


def test_metrics_of_slices_and_of_all_rows_are_those_of_scikit_learn(counts, invented):
    labels, scores, _, shops = invented
    places = best_places(counts.filter((F.col("slice") == ALL) & (F.col("part") == "validate")))

    found = measure_counts(counts, Resampling(50, 3, keep="auc"), places)

    whole = found["good", "test", ALL, ALL]
    assert whole["metrics"]["auc"]["value"] == pytest.approx(
        reference.roc_auc_score(labels, scores), abs=1e-4
    )
    decided = scores >= threshold_of(places["good"])
    assert whole["metrics"]["f1"]["value"] == pytest.approx(
        reference.f1_score(labels, decided), abs=1e-4
    )
    assert len(whole["resampled"]) == 51
    for shop in "abc":
        part = found["good", "test", "shop", shop]
        chosen = shops == shop
        assert part["rows"] == chosen.sum()
        assert part["metrics"]["log_loss"]["value"] == pytest.approx(
            reference.log_loss(labels[chosen], scores[chosen]), abs=1e-9
        )
        assert "resampled" not in part
    assert found["bad", "test", ALL, ALL]["metrics"]["auc"]["value"] < 0.5


def test_models_are_compared_on_the_same_resamples(counts):
    found = measure_counts(
        counts.filter(F.col("slice") == ALL), Resampling(50, 3, keep="auc"), {"good": 0, "bad": 0}
    )

    good, bad = (np.array(found[name, "test", ALL, ALL]["resampled"]) for name in ("good", "bad"))
    assert good + bad == pytest.approx(np.ones(51), abs=1e-3)


def test_only_the_largest_values_of_a_slice_stay(counts):
    kept = largest_values(counts, part="test", count=2)

    values = kept.select("slice", "value").distinct().collect()
    assert {tuple(row) for row in values} == {(ALL, ALL), ("shop", "a"), ("shop", "b")}


def test_scores_at_the_ends_and_no_numbers_have_their_own_bins(spark):
    scores = [0.0, 1.0, 0.5, float("nan"), None]  # null: the model refuses the row
    rows = [(1.0, score, 0.5, 0, None, "test") for score in scores]
    frame = spark.createDataFrame(rows, SCHEMA)

    found = count_scores(frame, ["good"], {"shop": F.col("shop")}).collect()

    places = {row["place"] for row in found if row["slice"] == ALL}
    assert places == {0, BINS - 1, BINS // 2, NOWHERE}
    assert sum(row["positives"] for row in found if row["slice"] == ALL) == 4
    assert {row["value"] for row in found if row["slice"] == "shop"} == {"null"}
