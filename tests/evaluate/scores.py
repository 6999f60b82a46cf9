"""Invented labels and scores, and their cells as Spark would count them."""

from __future__ import annotations

import numpy as np

from lepton_spark.evaluate.measure import Cells
from lepton_spark.evaluate.metrics import BINS, LOGIT_LIMIT


def invent(rows: int, *, seed: int = 1, noise: float = 1.0, units: int = 40):
    """Labels, scores and units; scores say something about labels, more with less noise."""
    random = np.random.default_rng(seed)
    truth = random.normal(-1.0, 1.0, rows)
    labels = (random.random(rows) < 1 / (1 + np.exp(-truth))).astype(float)
    logits = truth + random.normal(0, noise, rows)
    return labels, 1 / (1 + np.exp(-logits)), random.integers(0, units, rows)


def count(labels, scores, units) -> Cells:
    """One cell a row: the sums are the same as over larger cells."""
    with np.errstate(divide="ignore"):
        logits = np.log(scores) - np.log1p(-scores)
    places = np.floor((np.clip(logits, -40, 40) + LOGIT_LIMIT) * BINS / (2 * LOGIT_LIMIT))
    epsilon = np.finfo(float).eps
    sure = np.clip(scores, epsilon, 1 - epsilon)
    columns = {
        "positives": labels,
        "negatives": 1 - labels,
        "probability": scores,
        "loss": -np.log(np.where(labels > 0, sure, 1 - sure)),
        "squares": (scores - labels) ** 2,
    }
    return Cells(units, np.clip(places, 0, BINS - 1).astype(int), columns, scores, scores)
