"""Models that any network must be measured against, on the same transformed rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_spark.models.design_matrix import dense_names
from lepton_spark.models.weights import pack
from lepton_spark.train.matrix import (
    FEATURES,
    IS_VALIDATION,
    TARGET,
    MatrixSource,
    matrix_rows,
    vector_rows,
)

if TYPE_CHECKING:
    import numpy.typing as npt
    from pyspark.sql import DataFrame, SparkSession

    from lepton_spark.config.task import Baseline, Task
    from lepton_spark.models.output import Output

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
    "verbose": False,
}
_LEAF_WEIGHT = 50.0
_LEAVES = 40
_MOST_IMPORTANT = 20
_TWO = 2
LOGISTIC: Mapping[str, Any] = {"maxIter": 50, "regParam": 1e-3, "tol": 1e-5}
LINEAR: Mapping[str, Any] = {"maxIter": 50, "regParam": 1e-3, "tol": 1e-5}


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
        output: What is said of a row.
        class_rows: Training rows of each class; empty where there are none.
        percentiles: Of the amounts of the training rows, 101 of them; empty where there are none.
        workers: Task slots for the trees.
    """

    source: MatrixSource
    output: Output
    class_rows: tuple[int, ...]
    percentiles: tuple[float, ...]
    workers: int
    seed: int

    @property
    def rows(self) -> int:
        """Training rows."""
        return sum(piece.rows for piece in self.source.parts["train"])


def fit_baseline(spark: SparkSession, name: Baseline, job: BaselineJob) -> FittedBaseline:
    """Fit one baseline on the training rows, in the Spark cluster.

    Args:
        spark: Has as many free task slots as the job has workers.
        name: Which.
        job: On what.

    Returns:
        What `load_predictor` makes the model of.
    """
    return _FITS[name](spark, job)


def _majority(_spark: SparkSession, job: BaselineJob) -> FittedBaseline:
    shares = [rows / sum(job.class_rows) for rows in job.class_rows]
    return _constant(shares[1:] if job.output.task.kind == "binary" else shares)


def _mean(_spark: SparkSession, job: BaselineJob) -> FittedBaseline:
    task = job.output.task
    if not task.quantiles:
        return _constant([job.output.center])
    places = np.linspace(0, 1, len(job.percentiles))
    return _constant(np.interp(task.quantiles, places, job.percentiles).tolist())


def _constant(values: Sequence[float]) -> FittedBaseline:
    return FittedBaseline(spec={"values": list(values)}, training={"values": list(values)})


def _logistic(spark: SparkSession, job: BaselineJob) -> FittedBaseline:
    from pyspark.ml.classification import LogisticRegression  # noqa: PLC0415  # slow to import

    # The transform has standardised already; doing it again would undo the meaning of one-hot.
    is_binary = job.output.task.kind == "binary"
    fitter = LogisticRegression(
        featuresCol=FEATURES,
        labelCol=TARGET,
        standardization=False,
        family="binomial" if is_binary else "multinomial",  # of two named classes a line each
        **LOGISTIC,
    )
    model = fitter.fit(_vectors(spark, job))
    if is_binary:
        coefficients, intercepts = model.coefficients.toArray()[None, :], [model.intercept]
    else:
        coefficients = model.coefficientMatrix.toArray()
        intercepts = model.interceptVector.toArray()
    return _line(coefficients, intercepts, LOGISTIC, model.summary.objectiveHistory)


def _linear(spark: SparkSession, job: BaselineJob) -> FittedBaseline:
    from pyspark.ml.regression import LinearRegression  # noqa: PLC0415  # slow to import

    fitter = LinearRegression(
        featuresCol=FEATURES, labelCol=TARGET, standardization=False, solver="l-bfgs", **LINEAR
    )
    model = fitter.fit(_vectors(spark, job))
    coefficients = model.coefficients.toArray()[None, :]
    return _line(coefficients, [model.intercept], LINEAR, model.summary.objectiveHistory)


def _vectors(spark: SparkSession, job: BaselineJob) -> DataFrame:
    """One-hot rows of the training part, as spark.ml reads them."""
    train_only = MatrixSource(job.source.transform, {"train": job.source.parts["train"]})
    num_tasks = max(job.workers, spark.sparkContext.defaultParallelism)
    return vector_rows(spark, train_only, num_tasks=num_tasks)


def _line(
    coefficients: npt.NDArray[np.float64],
    intercepts: Sequence[float],
    settings: Mapping[str, Any],
    losses: Sequence[float],
) -> FittedBaseline:
    """Coefficients `[width, columns]` and intercepts `[width]` as a baseline."""
    arrays = {
        "coefficients": np.ascontiguousarray(coefficients.T, dtype=np.float64),
        "intercepts": np.asarray(intercepts, dtype=np.float64),
    }
    history = [{"step": step, "loss": float(loss)} for step, loss in enumerate(losses)]
    return FittedBaseline(
        files={"weights.npz": pack(arrays)}, training={**settings, "history": history}
    )


def _boosted_trees(spark: SparkSession, job: BaselineJob) -> FittedBaseline:
    from xgboost.spark import SparkXGBClassifier, SparkXGBRegressor  # noqa: PLC0415  # slow

    logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)
    rows = matrix_rows(spark, job.source, num_tasks=job.workers)
    aim = _aim(job.output.task)
    settings = {**TREES, **aim, "min_child_weight": _leaf_weight(job)}
    kind = SparkXGBRegressor if job.output.task.kind == "amount" else SparkXGBClassifier
    fitter = kind(
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
    losses = model.training_summary.validation_objective_history[aim["eval_metric"]]
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


def _aim(task: Task) -> dict[str, Any]:
    """What the trees make small, and what stops them."""
    if task.kind == "binary":
        return {"eval_metric": "logloss"}
    if task.kind == "classes":
        # Two classes are one share to the classifier, whatever they are called.
        return {"eval_metric": "mlogloss" if len(task.outputs) > _TWO else "logloss"}
    if task.quantiles:
        alphas = list(task.quantiles)
        return {
            "objective": "reg:quantileerror",
            "quantile_alpha": alphas,
            "eval_metric": "quantile",
        }
    if task.power is not None:
        metric = f"tweedie-nloglik@{task.power:g}"
        return {
            "objective": "reg:tweedie",
            "tweedie_variance_power": task.power,
            "eval_metric": metric,
        }
    return {"eval_metric": "rmse"}


def _leaf_weight(job: BaselineJob) -> float:
    """Least weight of a leaf: of few rows less, so that a tree can have some leaves at all."""
    rarest = min(job.class_rows, default=job.rows) / job.rows
    weight = rarest * (1.0 - rarest) if job.class_rows else 1.0
    return min(_LEAF_WEIGHT, weight * job.rows / _LEAVES)


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
    "mean": _mean,
    "logistic": _logistic,
    "linear": _linear,
    "boosted_trees": _boosted_trees,
}
