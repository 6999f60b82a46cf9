"""Amounts and classes: sums in Spark give the metrics of the rows themselves."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import functions as F
from sklearn import metrics as reference

from lepton_spark.config.task import Task
from lepton_spark.evaluate.counting import ALL
from lepton_spark.evaluate.measure import Resampling
from lepton_spark.evaluate.sums import measure_sums, sum_amounts, sum_classes
from lepton_spark.models.output import Output, softmax

pytestmark = pytest.mark.spark
ROWS, UNITS = 3000, 40
QUANTILES = Output(Task("amount", ("q10", "q50", "q90"), (0.1, 0.5, 0.9)), 1000.0, 3.0)
CLASSES = Output(Task("classes", ("ant", "bee", "cat")))
RESAMPLING = Resampling(200, 3)


def frame(spark, labels, said):
    rows = [
        (float(label), [float(x) for x in each], row % UNITS, "ab"[row % 2], "test")
        for row, (label, each) in enumerate(zip(labels, said, strict=True))
    ]
    schema = "_label double, p_m array<double>, _unit int, shop string, _split string"
    return spark.createDataFrame(rows, schema)


@pytest.fixture(scope="module")
def amounts(spark):
    random = np.random.default_rng(1)
    median = random.normal(1000, 3, ROWS)
    labels = median + random.normal(0, 1, ROWS)
    said = median[:, None] + np.array([-1.28, 0.0, 1.28])
    sums = sum_amounts(frame(spark, labels, said), ["m"], {"shop": F.col("shop")}, QUANTILES)
    return labels, said, measure_sums(sums, RESAMPLING, QUANTILES)


def test_metrics_of_amounts_are_those_of_scikit_learn(amounts):
    labels, said, measured = amounts
    found = {n: m["value"] for n, m in measured["m", "test", ALL, ALL]["metrics"].items()}

    median = said[:, 1]
    assert found["rmse"] == pytest.approx(reference.root_mean_squared_error(labels, median))
    assert found["mae"] == pytest.approx(reference.mean_absolute_error(labels, median))
    assert found["r2"] == pytest.approx(reference.r2_score(labels, median))
    pinballs = [
        reference.mean_pinball_loss(labels, said[:, place], alpha=quantile)
        for place, quantile in enumerate((0.1, 0.5, 0.9))
    ]
    assert found["pinball"] == pytest.approx(np.mean(pinballs))
    assert found["below_q90"] == pytest.approx(np.mean(labels <= said[:, 2]))


def test_intervals_hold_the_value_and_slices_are_measured_apart(amounts):
    labels, said, measured = amounts
    rmse = measured["m", "test", ALL, ALL]["metrics"]["rmse"]

    assert rmse["low"] < rmse["value"] < rmse["high"]
    of_a = measured["m", "test", "shop", "a"]
    assert of_a["rows"] == ROWS // 2
    expected = reference.mean_absolute_error(labels[::2], said[::2, 1])
    assert of_a["metrics"]["mae"]["value"] == pytest.approx(expected)


def test_metrics_of_classes_are_those_of_scikit_learn(spark):
    random = np.random.default_rng(2)
    labels = random.choice(3, ROWS, p=[0.6, 0.3, 0.1])
    said = softmax(np.eye(3)[labels] * 1.5 + random.normal(size=(ROWS, 3)))

    sums = sum_classes(frame(spark, labels, said), ["m"], {})
    measured = measure_sums(sums, RESAMPLING, CLASSES)["m", "test", ALL, ALL]

    found = {name: metric["value"] for name, metric in measured["metrics"].items()}
    best = said.argmax(axis=1)
    assert measured["rows"] == ROWS
    assert list(measured["classes"].values()) == np.bincount(labels, minlength=3).tolist()
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(labels, best))
    assert found["macro_f1"] == pytest.approx(reference.f1_score(labels, best, average="macro"))
    assert found["log_loss"] == pytest.approx(reference.log_loss(labels, said))
    assert found["brier"] == pytest.approx(((said - np.eye(3)[labels]) ** 2).sum(axis=1).mean())


def test_scores_that_are_no_numbers_are_counted(spark):
    rows = frame(spark, [1.0, 2.0], [[1.0, float("nan"), 2.0], [1.0, 2.0, 3.0]])

    found = sum_amounts(rows, ["m"], {}, QUANTILES).agg(F.sum("unsound")).first()

    assert found[0] == 1
