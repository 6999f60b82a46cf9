"""Which candidate comes first."""

from __future__ import annotations

import numpy as np
import pytest

from lepton_spark.config.evaluate import GateSettings
from lepton_spark.evaluate.counting import ALL
from lepton_spark.evaluate.judgement import judgement
from lepton_spark.evaluate.measure import Resampling, measure
from tests.evaluate.scores import count, invent

GATE = GateSettings(metric="auc", at_least=0.6, better_than="majority", suspicious_above=0.95)


def ranking(**scores):
    """By rows that are validation and test rows at once; a score is a model's."""
    labels, _, unit = invent(3000)
    models = {"majority": np.full(3000, 0.3), **scores}
    resampling = Resampling(200, 3, keep="auc")
    measured = {
        (name, part, ALL, ALL): measure(count(labels, score, unit), resampling)
        for name, score in models.items()
        for part in ("validate", "test")
    }
    return judgement(measured, list(models), GATE, dict.fromkeys(models, 0.4))["ranking"]


def noisy(scores, size):
    return np.clip(scores + np.random.default_rng(5).normal(0, size, len(scores)), 0.01, 0.99)


def test_models_are_ranked_by_validation_rows():
    _, good, _ = invent(3000)

    assert ranking(network=noisy(good, 0.3), trees=good) == ["trees", "network", "majority"]


@pytest.mark.parametrize(("size", "first"), [(1e-3, "average"), (0.5, "trees")])
def test_an_average_comes_first_unless_one_model_is_surely_better(size, first):
    _, good, _ = invent(3000)

    assert ranking(average=noisy(good, size), trees=good)[0] == first
