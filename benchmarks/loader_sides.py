"""One way to bring rows of Parquet to TensorFlow, for two epochs, in a process of its own.

`python -m benchmarks.loader_sides SIDE FILE`: prints the seconds of each epoch, what the rows add
up to and the most memory that was held, as JSON. Imports and first uses do not count.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.flat_file import LABEL, features_of, pieces_of, untouched
from lepton_spark.dataset.blocks import EpochReader, Layout, Shuffle, Source
from lepton_spark.dataset.shards import Shard
from lepton_spark.models.lean import tf
from lepton_spark.train.steps import Tensors, load

BATCH = 1024
# The textbook's way takes minutes; it is given so many rows, and its time is scaled.
MOST_TEXTBOOK_ROWS = 65_536
EPOCHS = 2
_SHUFFLED = 16_384  # rows that tf.data and petastorm shuffle among
_SEED = 7  # which a process that repeats to the bit asks for
Seconds = list[float]


def _groups(path: str) -> Iterator[pa.Table]:
    file = pq.ParquetFile(path)
    for group in range(file.num_row_groups):
        yield file.read_row_group(group, use_threads=False)


def _matrix(rows: pa.Table) -> npt.NDArray[np.float32]:
    columns = [rows[name].to_numpy() for name in rows.column_names if name != LABEL]
    return np.ascontiguousarray(np.stack(columns).T, dtype=np.float32)


def ours(path: str, folder: Path) -> tuple[Seconds, float, int]:
    """The loader of training: blocks, handed over once, dealt to steps inside the graph."""
    shard = Shard(pieces_of(path))
    steps = -(-shard.rows // BATCH)
    layout = Layout(BATCH, steps, 131_072 // BATCH)
    source = Source(untouched(path), LABEL)
    reader = EpochReader(shard, source, layout, folder)

    @tf.function(reduce_retracing=True)
    def take(block: Tensors, first: Any, end: Any) -> Any:
        total = tf.zeros((), tf.float64)
        for step in tf.range(first, end):
            rows = tf.gather(block.inputs["numbers"], block.index[step])
            weighted = rows * block.weight[step][:, None]
            total += tf.cast(tf.reduce_sum(weighted), tf.float64)
        return total

    first = load(next(iter(reader.epoch())))
    take(first, tf.constant(0), tf.constant(1))
    take(first, tf.constant(0), tf.constant(2))
    reader = EpochReader(shard, source, layout, _fresh(folder))
    seconds, total = [], 0.0
    for epoch in range(EPOCHS):
        started_at = time.perf_counter()
        for block in reader.epoch(Shuffle(7, 0, epoch)):
            total += float(take(load(block), tf.constant(0), tf.constant(len(block.index))))
        seconds.append(time.perf_counter() - started_at)
    return seconds, total / EPOCHS, shard.rows


def _fresh(folder: Path) -> Path:
    fresh = folder / "again"
    fresh.mkdir()
    return fresh


def textbook(path: str, _folder: Path) -> tuple[Seconds, float, int]:
    """Rows one by one from a Python generator, shuffled and batched by tf.data."""
    width, rows = len(features_of(path)), min(MOST_TEXTBOOK_ROWS, pq.read_metadata(path).num_rows)

    def make() -> Iterator[npt.NDArray[np.float32]]:
        left = rows
        for table in _groups(path):
            yield from _matrix(table)[:left]
            left -= min(left, table.num_rows)
            if not left:  # the next row group would be decoded for nothing
                return

    spec = tf.TensorSpec((width,), tf.float32)
    data = tf.data.Dataset.from_generator(make, output_signature=spec)
    return (*_consumed(data.shuffle(_SHUFFLED, _SEED).batch(BATCH).prefetch(2)), rows)


def in_memory(path: str, _folder: Path) -> tuple[Seconds, float, int]:
    """All rows in memory first, which counts, then shuffled and batched by tf.data."""
    _matrix(next(_groups(path)))  # the first use
    started_at = time.perf_counter()
    matrix = np.concatenate([_matrix(table) for table in _groups(path)])
    read = time.perf_counter() - started_at
    data = (
        tf.data.Dataset.from_tensor_slices(matrix)
        .shuffle(_SHUFFLED, _SEED)
        .batch(BATCH)
        .prefetch(2)
    )
    (first, *others), total = _consumed(data)
    return [read + first, *others], total, len(matrix)


def decode(path: str, _folder: Path) -> tuple[Seconds, float, int]:
    """The limit: pyarrow decodes the columns, and in the second epoch a copy of them is made."""
    total, rows, kept = 0.0, 0, []
    _matrix(next(_groups(path)))  # the first use
    started_at = time.perf_counter()
    for table in _groups(path):
        rows += table.num_rows
        kept.append([column.to_numpy() for column in table.drop_columns([LABEL]).columns])
    first = time.perf_counter() - started_at
    for columns in kept:
        total += float(sum(values.sum(dtype=np.float64) for values in columns))
    started_at = time.perf_counter()
    for columns in kept:
        for values in columns:
            values.copy()
    return [first, time.perf_counter() - started_at], total, rows


@tf.function(reduce_retracing=True)
def _sum(batches: Any) -> Any:
    """Of all values; the batches are taken inside the graph."""
    total = tf.zeros((), tf.float64)
    for batch in batches:
        total += tf.cast(tf.reduce_sum(batch), tf.float64)
    return total


def _consumed(data: Any) -> tuple[Seconds, float]:
    """Seconds of each epoch, after one batch for nothing, and what the rows add up to."""
    _sum(data.take(1))
    seconds, total = [], 0.0
    for _ in range(EPOCHS):
        started_at = time.perf_counter()
        total += float(_sum(data))
        seconds.append(time.perf_counter() - started_at)
    return seconds, total / EPOCHS


SIDES: dict[str, Callable[[str, Path], tuple[Seconds, float, int]]] = {
    "ours": ours,
    "textbook": textbook,
    "in memory": in_memory,
    "decode": decode,
}


def main(side: str, path: str) -> None:
    """Print what one side took."""
    with tempfile.TemporaryDirectory() as folder:
        seconds, total, rows = SIDES[side](path, Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    found = {"seconds": seconds, "total": total, "rows": rows, "peak": peak}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
