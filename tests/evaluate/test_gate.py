"""Pass, fail or insufficient, and the reason in words."""

from __future__ import annotations

import numpy as np
import pytest

from lepton_spark.config.evaluate import GateSettings
from lepton_spark.evaluate.gate import difference, judge
from lepton_spark.evaluate.measure import Resampling, measure
from tests.evaluate.scores import count, invent

GATE = GateSettings(metric="auc", at_least=0.6, better_than="majority", suspicious_above=0.9)


def judged_on(rows=3000, units=40, **scores):
    """Models on the same rows; `majority` is always among them."""
    labels, good, unit = invent(rows, units=units)
    models = {"good": good, "majority": np.full(rows, 0.3), **scores}
    resampling = Resampling(200, 3, keep="auc")
    return {name: measure(count(labels, s, unit), resampling) for name, s in models.items()}


def test_a_good_model_passes_without_a_reason():
    verdict = judge("good", judged_on(), GATE)

    assert (verdict.verdict, verdict.reasons) == ("pass", ())
    assert verdict.low < verdict.value < verdict.high
    assert verdict.difference["value"] == pytest.approx(verdict.value - 0.5)


def test_a_model_below_the_floor_fails():
    gate = GATE.model_copy(update={"at_least": 0.85})

    verdict = judge("good", judged_on(), gate)

    assert verdict.verdict == "fail"
    assert "below the floor 0.85" in verdict.reasons[0]


def test_a_model_that_is_too_good_is_a_suspected_leak():
    labels, _, _ = invent(3000)

    verdict = judge("leak", judged_on(leak=labels * 0.98 + 0.01), GATE)

    assert verdict.verdict == "fail"
    assert "suspected leak" in verdict.reasons[0]


def test_a_score_at_the_limit_is_not_yet_a_leak():
    found = judged_on()
    gate = GATE.model_copy(update={"suspicious_above": found["good"]["metrics"]["auc"]["value"]})

    assert judge("good", found, gate).verdict == "pass"


def test_a_model_that_might_be_no_better_than_the_baseline_fails():
    _labels, good, _ = invent(3000)
    rival = good + np.random.default_rng(5).normal(0, 1e-4, 3000)
    gate = GATE.model_copy(update={"better_than": "logistic"})

    verdict = judge("good", judged_on(logistic=np.clip(rival, 0.001, 0.999)), gate)

    assert verdict.verdict == "fail"
    assert "not better than logistic" in verdict.reasons[0]


def test_the_baseline_itself_never_passes():
    verdict = judge("majority", judged_on(), GATE)

    assert verdict.verdict == "fail"
    assert "it is the baseline that others must beat" in verdict.reasons


def test_few_rows_of_a_class_are_insufficient_whatever_the_score():
    verdict = judge("good", judged_on(rows=60), GATE)

    assert verdict.verdict == "insufficient"
    assert "positives among the test rows, 30 are needed" in verdict.reasons[0]


def test_few_units_are_insufficient():
    verdict = judge("good", judged_on(units=5), GATE)

    assert verdict.verdict == "insufficient"
    assert verdict.reasons == ("5 units to resample, 10 are needed",)


def test_all_that_is_wrong_is_told():
    _labels, good, _ = invent(3000)

    verdict = judge("bad", judged_on(bad=1 - good), GATE)

    assert len(verdict.reasons) == 2


def test_paired_differences_are_tighter_than_the_metrics():
    _labels, good, _ = invent(3000)
    found = judged_on(
        near=np.clip(good + np.random.default_rng(5).normal(0, 0.05, 3000), 0.01, 0.99)
    )

    gain = difference(found["good"]["resampled"], found["near"]["resampled"])
    own = found["good"]["metrics"]["auc"]

    assert gain["high"] - gain["low"] < (own["high"] - own["low"]) / 2


def test_a_verdict_is_json():
    import json

    assert json.loads(json.dumps(judge("good", judged_on(), GATE).to_dict()))["verdict"] == "pass"


def amounts_on(**metrics):
    """An error of some models, each with its resamples."""
    random = np.random.default_rng(1)
    return {
        name: {
            "rows": 500,
            "units": 40,
            "metrics": {"rmse": {"value": value, "low": value - 0.1, "high": value + 0.1}},
            "resampled": [value, *random.normal(value, 0.01, 200)],
        }
        for name, value in metrics.items()
    }


ERROR = GateSettings(metric="rmse", at_most=5.0, better_than="mean", suspicious_below=1.0)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (4.0, None),
        (5.5, "above the limit 5"),
        (0.5, "suspected leak"),
        (6.5, "not better than mean"),
    ],
)
def test_of_an_error_less_is_better(value, reason):
    verdict = judge("good", amounts_on(good=value, mean=6.0), ERROR)

    assert verdict.verdict == ("fail" if reason else "pass")
    assert reason is None or any(reason in told for told in verdict.reasons)
    assert verdict.difference["value"] == pytest.approx(6.0 - value)


def errors_on(metric, **errors):
    """The same of another error."""
    found = amounts_on(**errors)
    for each in found.values():
        each["metrics"][metric] = each["metrics"].pop("rmse")
    return found


@pytest.mark.parametrize(
    ("metric", "constant", "share"),
    [
        ("rmse", "mean", 0.1),
        ("mae", "mean", 0.1),
        ("pinball", "mean", 0.1),
        ("log_loss", "majority", 0.02),
    ],
)
def test_an_error_far_below_that_of_a_constant_is_a_suspected_leak(metric, constant, share):
    gate = GateSettings(metric=metric, at_most=50, better_than=constant)

    def judged(error, gate=gate):
        return judge("good", errors_on(metric, good=error, **{constant: 60.0}), gate)

    leak, close = judged(share * 60 * 0.99), judged(share * 60 * 1.01)

    assert leak.verdict == "fail"
    assert leak.reasons[0].startswith(f"suspected leak: {metric} ")
    assert f"not above {share * 60:g}" in leak.reasons[0]
    assert leak.wanted == f"at most 50 and above {share * 60:g}"
    assert close.verdict == "pass"
    trusting = gate.model_copy(update={"suspicious_below": 0.0})
    assert judged(1e-9, trusting).verdict == "pass"
    assert judged(0.0, trusting).verdict == "fail"


def test_what_is_too_good_is_a_share_of_a_constant_whatever_must_be_beaten():
    gate = GateSettings(metric="rmse", at_most=50, better_than="boosted_trees")

    verdict = judge("good", errors_on("rmse", good=1e-5, boosted_trees=2.0, mean=60.0), gate)

    assert verdict.verdict == "fail"
    assert verdict.reasons[0].startswith("suspected leak: rmse 1e-05 is not above 6;")


def classes_on(**rows):
    """A good model of several classes, and what says the same of each row."""
    random = np.random.default_rng(1)
    metrics = {"accuracy": {"value": 0.8, "low": 0.7, "high": 0.85}}
    shared = {"rows": sum(rows.values()), "units": 40, "classes": rows, "metrics": metrics}
    return {
        name: {**shared, "resampled": [value, *random.normal(value, 0.01, 200)]}
        for name, value in {"good": 0.8, "majority": 0.5}.items()
    }


CLASSES = GateSettings(metric="accuracy", at_least=0.6, better_than="majority")


def test_each_of_several_classes_needs_test_rows():
    assert judge("good", classes_on(cat=500, dog=30, cow=30), CLASSES).verdict == "pass"

    verdict = judge("good", classes_on(cat=500, dog=29, cow=0), CLASSES)

    assert verdict.verdict == "insufficient"
    assert verdict.reasons == (
        "0 rows of cow among the test rows, 30 are needed",
        "29 rows of dog among the test rows, 30 are needed",
    )


def test_of_many_classes_without_rows_some_are_named():
    few = {f"class_{number}": number for number in range(9)}

    reasons = judge("good", classes_on(cat=500, **few), CLASSES).reasons

    assert len(reasons) == 6
    assert reasons[-1] == "4 more classes have too few"


def test_a_metric_that_is_not_defined_is_insufficient():
    found = amounts_on(good=4.0, mean=6.0)
    for model in found.values():
        model["metrics"] = {"r2": {"value": None, "low": None, "high": None}}
        model["resampled"] = [None] * 201
    gate = GateSettings(metric="r2", at_least=0.1, better_than="mean")

    verdict = judge("good", found, gate)

    assert (verdict.verdict, verdict.value) == ("insufficient", None)
    assert verdict.reasons == ("r2 is not defined on the test rows",)
