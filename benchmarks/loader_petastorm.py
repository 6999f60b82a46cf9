"""Petastorm's reader of plain Parquet, as `benchmarks.loader_sides`, in packages of its own."""

from __future__ import annotations

import json
import resource
import sys
import time

import pyarrow.parquet as pq
import tensorflow as tf
from petastorm import make_batch_reader  # type: ignore[import-not-found]
from petastorm.tf_utils import make_petastorm_dataset  # type: ignore[import-not-found]

EPOCHS, BATCH, SHUFFLED = 2, 1024, 16_384


def main(path: str) -> None:
    """Print what it took: unbatched, shuffled and batched again, as its documentation shows."""
    names = [name for name in pq.ParquetFile(path).schema_arrow.names if name != "label"]
    seconds, total = [], 0.0
    for _ in range(EPOCHS):
        started_at = time.perf_counter()
        with make_batch_reader(f"file://{path}", num_epochs=1, workers_count=2) as reader:
            data = make_petastorm_dataset(reader).map(
                lambda rows: tf.stack([getattr(rows, name) for name in names], axis=1)
            )
            data = data.unbatch().shuffle(SHUFFLED).batch(BATCH).prefetch(2)
            total += sum(float(tf.reduce_sum(tf.cast(batch, tf.float64))) for batch in data)
        seconds.append(time.perf_counter() - started_at)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    rows = pq.ParquetFile(path).metadata.num_rows
    found = {"seconds": seconds, "total": total / EPOCHS, "rows": rows, "peak": peak}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
