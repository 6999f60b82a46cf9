"""Invented visits, and bundles of small models that score them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from lepton_spark.config.task import Task
from lepton_spark.config.train import ModelSettings
from lepton_spark.dataset.transform import CategoryColumn, FeatureTransform, NumberColumn
from lepton_spark.models.output import Output
from lepton_spark.models.shape import Shape
from lepton_spark.models.weights import pack
from lepton_spark.train.bundle import Bundle, to_json

TRANSFORM = FeatureTransform(
    (NumberColumn("age", 0, 100, 40, 40, 10, has_missing_flag=True),),
    (CategoryColumn("shop", ("a", "b")),),
    "0" * 64,
    10,
)
CONTRACT = {"columns": [{"name": "age", "type": "double"}, {"name": "shop", "type": "string"}]}
SCORE = Output()
CLASSES = Output(Task("classes", ("ant", "bee", "cat")))
QUANTILES = Output(Task("amount", ("q10", "q50", "q90"), (0.1, 0.5, 0.9)), center=100, scale=30)
_OBJECTIVES = {
    "binary": {"objective": "binary:logistic"},
    "classes": {"objective": "multi:softprob", "num_class": 3},
    "amount": {"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]},
}


def visits(rows: int = 1000) -> pa.Table:
    """Some lack an age, some are of a shop that no model knows."""
    random = np.random.default_rng(4)
    ages = random.normal(40, 10, rows)
    return pa.table(
        {
            "visit": pa.array(range(rows), pa.int64()),
            "day": pa.array([19_000 + number % 3 for number in range(rows)], pa.int32()).cast(
                pa.date32()
            ),
            "seen_at": pa.array(range(rows), pa.timestamp("us", "UTC")),
            "age": pa.array(np.where(ages > 60, np.nan, ages), from_pandas=True),
            "shop": pa.array(random.choice(["a", "b", "c"], rows)),
        }
    )


def bundle(kind, output=SCORE, files=None, *, transform=TRANSFORM, **spec) -> Bundle:
    """A model of that kind; `spec` is what it needs beside its sizes."""
    sizes = Shape.of(transform).to_spec()
    documents = {
        "spec": {"kind": kind, "output": output.to_dict(), **sizes, **spec},
        "contract": CONTRACT,
        "snapshot": {},
        "training": {},
    }
    found = {f"{name}.json": to_json(document) for name, document in documents.items()}
    found["transform.json"] = transform.to_json().encode()
    return Bundle({**found, **(files or {})})


def logistic() -> Bundle:
    """A model of one score that needs neither TensorFlow nor xgboost."""
    coefficients, intercepts = np.array([[1.0], [0.5], [0], [1], [2]]), np.array([-0.5])
    weights = pack({"coefficients": coefficients, "intercepts": intercepts})
    return bundle("logistic", files={"weights.npz": weights})


def network(output=SCORE, transform=TRANSFORM) -> Bundle:
    """Dense layers with their first weights."""
    from lepton_spark.models.network import arrays_of, build

    settings = ModelSettings(hidden=(64, 32))
    model = build(settings, Shape.of(transform), output.width, seed=5)
    files = {"weights.npz": pack(arrays_of(model))}
    settings = settings.model_dump(mode="json")
    return bundle("table_mlp", output, files, transform=transform, settings=settings)


def trees(output=SCORE, transform=TRANSFORM) -> Bundle:
    """Boosted trees, fitted to other numbers than those of the visits."""
    import xgboost

    random = np.random.default_rng(6)
    matrix = np.hstack([random.normal(size=(300, 2)), random.integers(0, 3, (300, 1))])
    target = np.digitize(matrix[:, 0] + matrix[:, 2], [0.5, 1.5])
    if output.task.kind == "binary":
        target = np.minimum(target, 1)
    settings = {**_OBJECTIVES[output.task.kind], "max_depth": 3}
    booster = xgboost.train(settings, xgboost.DMatrix(matrix, target), 8)
    files = {"booster.json": bytes(booster.save_raw("json"))}
    return bundle("boosted_trees", output, files, transform=transform)


def average(*members: Bundle) -> Bundle:
    """The mean of some bundles of one score."""
    entries = [{"spec": each.spec, "numbers": [0, 1], "categories": [0]} for each in members]
    names = ("weights.npz", "booster.json")
    files = {name: each.files[name] for each in members for name in names if name in each.files}
    return bundle("average", files=files, members=entries)
