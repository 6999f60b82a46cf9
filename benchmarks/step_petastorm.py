"""model.fit on Petastorm's reader, as a side of `benchmarks.step`, in packages of its own.

`python step_petastorm.py FILE UNITS,UNITS`: rows are a matrix a row group, shuffled and batched by
tf.data: the quicker of the two ways that `benchmarks.loader_petastorm` knows.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import pyarrow.parquet as pq
import tensorflow as tf
from petastorm import make_batch_reader  # type: ignore[import-not-found]
from petastorm.tf_utils import make_petastorm_dataset  # type: ignore[import-not-found]

BATCH, EPOCHS, RATE, SHUFFLED, LABEL = 1024, 4, 1e-3, 16_384, "label"
layers = tf.keras.layers


def _split(rows: Any) -> tuple[Any, Any]:
    columns = [getattr(rows, name) for name in rows._fields if name != LABEL]
    return tf.stack(columns, axis=1), tf.cast(getattr(rows, LABEL), tf.float32)


def _model(width: int, units: list[int]) -> Any:
    """The layers of `lepton_spark.models.network.build`."""
    values = inputs = tf.keras.Input((width,))
    for number in units:
        values = layers.LayerNormalization()(layers.Dense(number)(values))
        values = layers.Activation("relu")(values)
    model = tf.keras.Model(inputs, layers.Dense(1)(values))
    loss = tf.keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(tf.keras.optimizers.AdamW(RATE, weight_decay=0.0), loss)
    return model


class _Clock(tf.keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
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


def main(path: str, units: str) -> None:
    """Print the rows a second of the epochs after the first, and the loss of each."""
    metadata = pq.ParquetFile(path).metadata
    model = _model(metadata.num_columns - 1, [int(number) for number in units.split(",")])
    clock = _Clock()
    with make_batch_reader(f"file://{path}", num_epochs=EPOCHS, workers_count=2) as reader:
        data = make_petastorm_dataset(reader).map(_split).unbatch().shuffle(SHUFFLED)
        data = data.batch(BATCH).prefetch(2)
        steps = metadata.num_rows // BATCH
        model.fit(data, epochs=EPOCHS, steps_per_epoch=steps, verbose=0, callbacks=[clock])
    rows = steps * BATCH * (EPOCHS - 1)
    found = {
        "rows_a_second": rows / sum(clock.seconds[1:]),
        "first_seconds": clock.seconds[0],
        "losses": clock.losses,
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
