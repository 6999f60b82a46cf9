"""Models that any network must be measured against, on the same transformed rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from pyspark.sql import functions as F

from lepton_spark.models.design_matrix import dense_names
from lepton_spark.models.weights import pack
from lepton_spark.train.matrix import (
    FEATURES,
    IS_VALIDATION,
    TARGET,
    MatrixSource,
    matrix_rows,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lepton_spark.config.train import Baseline

# Chosen on validation rows of several tables, none of them test rows; not tuned a case.
TREES: Mapping[str, Any] = {
    "max_depth": 6,
    "learning_rate": 0.05,
    "n_estimators": 600,
    "early_stopping_rounds": 30,
    "subsample": 0.8,
    "colsample_bytree": 0.4,
    "reg_lambda": 5.0,
    "tree_method": "hist",
    "max_bin": 256,
    "eval_metric": "logloss",
    "verbose": False,
}
_LEAF_WEIGHT = 50.0
_LEAVES = 40
_MOST_IMPORTANT = 20
LOGISTIC: Mapping[str, Any] = {"maxIter": 50, "regParam": 1e-3, "tol": 1e-5}


@dataclass(frozen=True)
class FittedBaseline:
    """A baseline as data.

    Args:
        spec: What `load_predictor` needs beside kind and sizes.
        files: Weights by file name.
        training: Settings and curves, JSON-ready.
    """

    spec: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BaselineJob:
    """What baselines are fitted on.

    Args:
        source: Pieces of `train` and `validate`.
        positive_rate: Share of positives among the training rows.
        workers: Task slots for the trees.
    """

    source: MatrixSource
    positive_rate: float
    workers: int
    seed: int


def fit_baseline(spark: SparkSession, name: Baseline, job: BaselineJob) -> FittedBaseline:
    """Fit one baseline on the training rows, in the Spark cluster.

    Args:
        spark: Has as many free task slots as the job has workers.
        name: Which.
        job: On what.
    """
    return _FITS[name](spark, job)


def _majority(_spark: SparkSession, job: BaselineJob) -> FittedBaseline:
    return FittedBaseline(spec={"rate": job.positive_rate}, training={"rate": job.positive_rate})


def _logistic(spark: SparkSession, job: BaselineJob) -> FittedBaseline:
    from pyspark.ml.classification import LogisticRegression  # noqa: PLC0415  # slow to import
    from pyspark.ml.functions import array_to_vector  # noqa: PLC0415  # as above

    train_only = MatrixSource(job.source.transform, {"train": job.source.parts["train"]})
    num_tasks = max(job.workers, spark.sparkContext.defaultParallelism)
    rows = matrix_rows(spark, train_only, "one_hot", num_tasks=num_tasks)
    vectors = rows.select(array_to_vector(F.col(FEATURES)).alias(FEATURES), TARGET)
    # The transform has standardised already; doing it again would undo the meaning of one-hot.
    fitter = LogisticRegression(
        featuresCol=FEATURES, labelCol=TARGET, standardization=False, **LOGISTIC
    )
    model = fitter.fit(vectors)
    arrays = {
        "coefficients": np.asarray(model.coefficients.toArray(), dtype=np.float64),
        "intercept": np.array(model.intercept, dtype=np.float64),
    }
    history = [float(loss) for loss in model.summary.objectiveHistory]
    return FittedBaseline(
        files={"weights.npz": pack(arrays)},
        training={**LOGISTIC, "history": [{"step": i, "loss": x} for i, x in enumerate(history)]},
    )


def _boosted_trees(spark: SparkSession, job: BaselineJob) -> FittedBaseline:
    from xgboost.spark import SparkXGBClassifier  # noqa: PLC0415  # slow to import

    logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)
    rows = matrix_rows(spark, job.source, "ordinal", num_tasks=job.workers)
    settings = {**TREES, "min_child_weight": _leaf_weight(job)}
    fitter = SparkXGBClassifier(
        features_col=FEATURES,
        label_col=TARGET,
        validation_indicator_col=IS_VALIDATION,
        num_workers=job.workers,
        random_state=job.seed,
        **settings,
    )
    model = fitter.fit(rows)
    booster = model.get_booster()
    best = int(booster.best_iteration)
    losses = model.training_summary.validation_objective_history["logloss"]
    trees = booster[: best + 1]
    return FittedBaseline(
        files={"booster.json": bytes(trees.save_raw("json"))},
        training={
            **settings,
            "best_iteration": best,
            "importance": _importance(trees.get_score(importance_type="total_gain"), job),
            "history": [{"step": i, "validation_loss": x} for i, x in enumerate(losses)],
        },
    )


def _leaf_weight(job: BaselineJob) -> float:
    """Least weight of a leaf: of few rows less, so that a tree can have some leaves at all."""
    rate = job.positive_rate
    rows = sum(piece.rows for piece in job.source.parts["train"])
    return min(_LEAF_WEIGHT, rate * (1.0 - rate) * rows / _LEAVES)


def _importance(gains: Mapping[str, float], job: BaselineJob) -> list[dict[str, Any]]:
    """The inputs that told most, best first, with their share of all gain."""
    transform = job.source.transform
    names = [*dense_names(transform), *(column.name for column in transform.categories)]
    total = sum(gains.values()) or 1.0
    largest = sorted(gains.items(), key=lambda item: (-item[1], item[0]))[:_MOST_IMPORTANT]
    return [
        {"feature": names[int(place.removeprefix("f"))], "share": round(gain / total, 6)}
        for place, gain in largest
    ]


_FITS: Mapping[Baseline, Callable[[SparkSession, BaselineJob], FittedBaseline]] = {
    "majority": _majority,
    "logistic": _logistic,
    "boosted_trees": _boosted_trees,
}
