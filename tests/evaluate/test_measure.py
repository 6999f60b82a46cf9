"""Metrics from counts agree with scikit-learn; intervals cover what they should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from lepton_spark.evaluate.measure import Resampling, best_place, interval, measure
from lepton_spark.evaluate.metrics import threshold_of
from tests.evaluate.scores import count, invent

FAST = Resampling(resamples=50, seed=3)


def expected(labels, scores, threshold):
    decided = scores >= threshold
    return {
        "auc": reference.roc_auc_score(labels, scores),
        "pr_auc": reference.average_precision_score(labels, scores),
        "log_loss": reference.log_loss(labels, scores, labels=[0, 1]),
        "brier": reference.brier_score_loss(labels, scores),
        "accuracy": reference.accuracy_score(labels, decided),
        "precision": reference.precision_score(labels, decided, zero_division=0),
        "recall": reference.recall_score(labels, decided),
        "f1": reference.f1_score(labels, decided),
    }


def shapes():
    labels, scores, units = invent(20_000)
    yield "smooth", (labels, scores, units)
    yield "tied", (labels, np.round(scores, 1).clip(0.05, 0.95), units)
    yield "constant", (labels, np.full(len(labels), 0.3), units)
    yield "wrong", (labels, 1 - scores, units)
    yield "sure", (labels, np.where(scores > 0.5, 1.0, 0.0), units)
    yield "rare", (labels * (scores > 0.7), scores / 5, units)
    yield "few", tuple(values[:3000] for values in (labels, scores, units))


@pytest.mark.parametrize("rows", [rows for _, rows in shapes()], ids=[name for name, _ in shapes()])
def test_metrics_agree_with_scikit_learn(rows):
    labels, scores, _ = rows
    cells = count(*rows)
    place = best_place(cells)

    found = measure(cells, Resampling(50, 3, place))["metrics"]

    wanted = expected(labels, scores, threshold_of(place))
    assert {name: found[name]["value"] for name in wanted} == pytest.approx(wanted, abs=1e-4)


def test_the_threshold_has_the_best_f1_there_is():
    labels, scores, units = invent(20_000)

    threshold = threshold_of(best_place(count(labels, scores, units)))

    precision, recall, _ = reference.precision_recall_curve(labels, scores)
    best = np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12))
    assert reference.f1_score(labels, scores >= threshold) == pytest.approx(best, abs=1e-3)


def test_the_order_of_cells_changes_nothing():
    labels, scores, units = invent(2000)
    order = np.random.default_rng(9).permutation(2000)

    first = measure(count(labels, scores, units), FAST)
    second = measure(count(labels[order], scores[order], units[order]), FAST)

    assert second["rows"] == first["rows"]
    for name, found in first["metrics"].items():
        assert second["metrics"][name] == pytest.approx(found, abs=1e-9)


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    labels, scores, _ = invent(100_000, seed=7)
    truth = reference.roc_auc_score(labels, scores)
    covered = 0
    for start in range(0, 100_000, 1000):
        part = slice(start, start + 1000)
        units = np.arange(1000) % 50
        found = measure(count(labels[part], scores[part], units), Resampling(100, start))
        covered += found["metrics"]["auc"]["low"] <= truth <= found["metrics"]["auc"]["high"]
    assert 87 <= covered <= 100


def test_rows_of_a_unit_are_drawn_together():
    """Forty times the same ten rows a unit say no more than one of them."""
    labels, scores, _ = invent(400)
    copied = [np.repeat(values, 40) for values in (labels, scores)]

    alone = measure(count(labels, scores, np.arange(400)), Resampling(400, 3))
    copies = measure(count(*copied, np.repeat(np.arange(400), 40)), Resampling(400, 3))
    ignored = measure(count(*copied, np.arange(16_000)), Resampling(400, 3))

    def width(found):
        return found["metrics"]["auc"]["high"] - found["metrics"]["auc"]["low"]

    assert width(copies) == pytest.approx(width(alone), rel=1e-6)
    assert width(ignored) < width(alone) / 4


def test_a_calibrated_model_lies_on_the_line_and_another_does_not():
    labels, scores, units = invent(50_000, noise=0.0)

    good = measure(count(labels, scores, units), Resampling(200, 3))
    bad = measure(count(labels, scores**2, units), Resampling(200, 3))

    assert good["metrics"]["calibration_error"]["value"] < 0.01
    assert bad["metrics"]["calibration_error"]["value"] > 0.05
    assert sum(row["rows"] for row in good["reliability"]) == 50_000
    inside = [
        row["low"] - 0.01 <= row["predicted"] <= row["high"] + 0.01 for row in good["reliability"]
    ]
    assert all(inside)


def test_one_class_has_no_ranking_metric():
    _, scores, units = invent(500)

    found = measure(count(np.zeros(500), scores, units), FAST)["metrics"]

    assert found["auc"] == found["pr_auc"] == {"value": None, "low": None, "high": None}
    assert found["brier"]["value"] is not None


def test_resamples_without_a_class_give_no_interval():
    assert interval(np.array([0.7] + [np.nan] * 30 + [0.6] * 70))["low"] is None


def test_the_kept_resamples_begin_with_the_metric_itself():
    found = measure(count(*invent(500)), Resampling(50, 3, keep="auc"))

    assert len(found["resampled"]) == 51
    assert found["resampled"][0] == found["metrics"]["auc"]["value"]


@settings(max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1), st.integers(0, 5)), min_size=2))
def test_any_scores_can_be_measured(rows):
    labels, scores, units = (np.array(values, float) for values in zip(*rows, strict=True))
    cells = count(labels, scores, units.astype(int))

    found = measure(cells, Resampling(50, 1, best_place(cells)))

    assert found["rows"] == len(rows)
    assert found["positives"] == labels.sum()
    if 0 < labels.sum() < len(labels):
        value = found["metrics"]["auc"]["value"]
        assert value == pytest.approx(reference.roc_auc_score(labels, scores), abs=0.5)
        assert 0 <= value <= 1
