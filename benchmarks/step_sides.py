"""One way to train a network on rows of Parquet, in a process of its own.

`python -m benchmarks.step_sides SIDE FILE UNITS,UNITS PRECISION`: prints the rows a second of the
epochs after the first, and the training loss of each, as JSON. Ours reads from the disk, the others
hold all rows in memory. All train the same layers on the same rows by the same rule.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.flat_file import LABEL, features_of, pieces_of, untouched
from lepton_spark.config.train import ModelSettings, TrainSettings
from lepton_spark.dataset.tensors import CATEGORIES, NUMBERS
from lepton_spark.models.lean import keras, tf
from lepton_spark.models.network import build
from lepton_spark.models.shape import Shape
from lepton_spark.train.local import LocalBackend
from lepton_spark.train.network import NetworkJob, fit_network

BATCH, EPOCHS, RATE = 1024, 4, 1e-3
Found = dict[str, Any]


def _settings(units: tuple[int, ...]) -> ModelSettings:
    return ModelSettings(hidden=units, dropout=0.0)


def ours(path: str, units: tuple[int, ...], precision: str) -> Found:
    """The engine, as a case trains, from the disk.

    What counts is reading, handing over and steps; it validates and keeps checkpoints besides,
    which model.fit is not asked for.
    """
    pieces = pieces_of(path)
    with tempfile.TemporaryDirectory() as folder:
        train = TrainSettings.model_validate(
            {
                "batch_size": BATCH, "epochs": EPOCHS, "patience": EPOCHS, "learning_rate": RATE,
                "schedule": "constant", "weight_decay": 0.0, "precision": precision,
            }
        )  # fmt: skip
        job = NetworkJob(
            model=_settings(units),
            train=train,
            transform=untouched(path),
            fitted=pieces,
            validated=pieces[:1],
            label=LABEL,
            checkpoint=str(Path(folder) / "checkpoint"),
        )
        fitted = fit_network(LocalBackend(), job, 1)
    seconds = [
        sum(entry[f"{phase}_seconds"] for phase in ("read", "hand_over", "step"))
        for entry in fitted.history
    ]
    rows, losses = ([entry[name] for entry in fitted.history] for name in ("rows", "loss"))
    return {**_found(rows, seconds, losses), "precision": fitted.precision}


def in_memory(path: str, units: tuple[int, ...], precision: str) -> Found:
    """model.fit on arrays in memory."""
    matrix, labels = _arrays(path)
    return _fitted(path, units, precision, lambda model, told: model.fit(
        _inputs(matrix), labels, batch_size=BATCH, epochs=EPOCHS,
        verbose=0, callbacks=told,
    ))  # fmt: skip


def on_tf_data(path: str, units: tuple[int, ...], precision: str) -> Found:
    """model.fit on a shuffled tf.data of arrays in memory."""
    matrix, labels = _arrays(path)
    given = (_inputs(matrix), labels)
    data = tf.data.Dataset.from_tensor_slices(given).shuffle(16_384).batch(BATCH).prefetch(2)
    return _fitted(path, units, precision, lambda model, told: model.fit(
        data, epochs=EPOCHS, verbose=0, callbacks=told
    ))  # fmt: skip


def limit(path: str, units: tuple[int, ...], precision: str) -> Found:
    """The products of the layers alone, forward and backward, as one thread pool can do them.

    None for the slope of what the first layer is given, which nothing needs.
    """
    pairs = list(pairwise((len(features_of(path)), *units, 1)))
    kind = tf.float32 if precision == "float32" else tf.bfloat16

    def made(*shape: int) -> Any:
        return tf.cast(tf.random.normal(shape), kind)

    inputs = [made(BATCH, before) for before, _ in pairs]
    weights = [made(*pair) for pair in pairs]
    slopes = [made(BATCH, after) for _, after in pairs]

    @tf.function
    def step() -> Any:
        total = tf.zeros(())
        for layer, (given, weight, slope) in enumerate(zip(inputs, weights, slopes, strict=True)):
            products = [tf.matmul(given, weight), tf.matmul(given, slope, transpose_a=True)]
            if layer:
                products.append(tf.matmul(slope, weight, transpose_b=True))
            for product in products:
                total += tf.cast(product[0, 0], tf.float32)
        return total

    step()
    rows, seconds = pq.read_metadata(path).num_rows, []
    for _ in range(EPOCHS):
        started_at = time.perf_counter()
        for _ in range(-(-rows // BATCH)):
            step()
        seconds.append(time.perf_counter() - started_at)
    return _found([rows] * EPOCHS, seconds, [])


def _arrays(path: str) -> tuple[Any, Any]:
    table = pq.read_table(path)
    columns = [table[name].to_numpy() for name in features_of(path)]
    matrix = np.ascontiguousarray(np.stack(columns).T, dtype=np.float32)
    return matrix, table[LABEL].to_numpy().astype(np.float32)


def _inputs(matrix: Any) -> dict[str, Any]:
    return {NUMBERS: matrix, CATEGORIES: np.zeros((len(matrix), 0), np.int32)}


class _Clock(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """The seconds and the loss of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self.losses: list[float] = []
        self._started_at = 0.0

    def on_epoch_begin(self, *_: Any) -> None:
        self._started_at = time.perf_counter()

    def on_epoch_end(self, _epoch: int, logs: Any = None) -> None:
        self.seconds.append(time.perf_counter() - self._started_at)
        self.losses.append(float(logs["loss"]))


def _fitted(
    path: str, units: tuple[int, ...], precision: str, fit: Callable[[Any, list[Any]], object]
) -> Found:
    keras.mixed_precision.set_global_policy(precision)
    model = build(_settings(units), Shape(len(features_of(path)), ()), seed=7)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(RATE, weight_decay=0.0), loss)
    clock = _Clock()
    fit(model, [clock])
    rows = pq.read_metadata(path).num_rows
    return _found([rows] * EPOCHS, clock.seconds, clock.losses)


def _found(rows: Sequence[float], seconds: Sequence[float], losses: Sequence[float]) -> Found:
    """The first epoch compiles and fills caches: it is told apart."""
    return {
        "rows_a_second": sum(rows[1:]) / sum(seconds[1:]),
        "first_seconds": seconds[0],
        "losses": losses,
    }


SIDES = {"ours": ours, "in memory": in_memory, "tf.data": on_tf_data, "limit": limit}


def main(side: str, path: str, units: str, precision: str) -> None:
    """Print what one side reached."""
    found = SIDES[side](path, tuple(map(int, units.split(","))), precision)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
