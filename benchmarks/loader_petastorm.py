"""Petastorm's reader of plain Parquet, as `benchmarks.loader_sides`, in packages of its own.

`python loader_petastorm.py SIDE FILE`: `petastorm` is the pipeline of its Spark converter, rows of
a column each; `petastorm, stacked` makes a matrix of the columns first, which it leaves to others.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

import pyarrow.parquet as pq
import tensorflow as tf
from petastorm import make_batch_reader  # type: ignore[import-not-found]
from petastorm.tf_utils import make_petastorm_dataset  # type: ignore[import-not-found]

EPOCHS, BATCH, SHUFFLED = 2, 1024, 16_384
MOST_ROWS = 1_000_000  # of rows one by one; their time is scaled


def _stack(rows: Any) -> Any:
    return tf.stack([getattr(rows, name) for name in rows._fields if name != "label"], axis=1)


def by_column(data: Any) -> Any:
    """As petastorm.spark.SparkDatasetConverter.make_tf_dataset, and batches of a matrix from it."""
    data = data.flat_map(tf.data.Dataset.from_tensor_slices).shuffle(SHUFFLED)
    return data.batch(BATCH).prefetch(2).map(_stack)


def stacked(data: Any) -> Any:
    """A matrix a row group, whose rows are shuffled."""
    return data.map(_stack).unbatch().shuffle(SHUFFLED).batch(BATCH).prefetch(2)


SIDES = {"petastorm": by_column, "petastorm, stacked": stacked}


@tf.function(reduce_retracing=True)
def _sum(batches: Any) -> Any:
    """Of all values, and how many rows there are; the batches are taken inside the graph."""
    total, rows = tf.zeros((), tf.float64), tf.zeros((), tf.int64)
    for batch in batches:
        total += tf.cast(tf.reduce_sum(batch), tf.float64)
        rows += tf.shape(batch, tf.int64)[0]
    return total, rows


def _read(side: str, path: str, batches: int = -1) -> tuple[float, int]:
    """What the rows of an epoch, or of so many batches, add up to, and how many they are."""
    shards = 1
    if side == "petastorm":
        shards = -(-pq.ParquetFile(path).metadata.num_rows // MOST_ROWS)
    with make_batch_reader(
        f"file://{path}", num_epochs=1, workers_count=2, cur_shard=0, shard_count=shards
    ) as reader:
        total, rows = _sum(SIDES[side](make_petastorm_dataset(reader)).take(batches))
    return float(total), int(rows)


def main(side: str, path: str) -> None:
    """Print what it took, after one batch for nothing."""
    _read(side, path, 1)
    seconds, totals = [], []
    for _ in range(EPOCHS):
        started_at = time.perf_counter()
        total, rows = _read(side, path)
        seconds.append(time.perf_counter() - started_at)
        totals.append(total)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    found = {"seconds": seconds, "total": sum(totals) / EPOCHS, "rows": rows, "peak": peak}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
