"""The limit of scoring: rows are decoded, transposed and multiplied by NumPy, without Spark."""

from __future__ import annotations

import os
from collections.abc import Collection
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from lepton_spark.models.weights import unpack

UNITS = (256, 128)
BATCH = 4096
_EPSILON = 1e-3  # of Keras' LayerNormalization
Matrix = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float64]


class Limit:
    """One process a core, which stays on it with one thread, over its share of the row groups.

    The processes are there from the first call on. Their libraries have one thread where the
    environment says so, as that of the benchmark does.

    Args:
        cores: Numbers of the cores; all that this process may use where not given.
    """

    def __init__(self, cores: Collection[int] | None = None) -> None:
        self._pools = [
            ProcessPoolExecutor(1, get_context("spawn"), initializer=_pin, initargs=(core,))
            for core in sorted(cores or os.sched_getaffinity(0))
        ]

    def scores(self, path: Path, names: list[str], folder: str) -> Scores:
        """The scores of all rows, in their order.

        Args:
            path: Parquet file.
            names: Columns, in the order of the weights.
            folder: Where the weights are.
        """
        groups = np.arange(pq.read_metadata(path).num_row_groups)
        shares = [share.tolist() for share in np.array_split(groups, len(self._pools))]
        found = [
            pool.submit(_scores_of, path, share, names, folder)
            for pool, share in zip(self._pools, shares, strict=True)
            if share
        ]
        return np.concatenate([each.result() for each in found])

    def close(self) -> None:
        """End the processes."""
        for pool in self._pools:
            pool.shutdown()


def _pin(core: int) -> None:
    os.sched_setaffinity(0, [core])
    pa.set_cpu_count(1)


def _scores_of(path: Path, groups: list[int], names: list[str], folder: str) -> Scores:
    arrays = list(unpack((Path(folder) / "weights.npz").read_bytes()).values())
    file = pq.ParquetFile(path)
    found: list[Scores] = []
    for group in groups:
        table = file.read_row_group(group, use_threads=False)
        rows = np.ascontiguousarray(np.stack([table[name].to_numpy() for name in names]).T)
        found += [
            _forward(rows[start : start + BATCH].astype(np.float32), arrays)
            for start in range(0, len(rows), BATCH)
        ]
    return np.concatenate(found)


def _forward(values: Matrix, arrays: list[npt.NDArray[Any]]) -> Scores:
    """A dense layer, its normalisation and rectifier, for each of the units; then the logit."""
    for layer in range(len(UNITS)):
        kernel, bias, gamma, beta = arrays[4 * layer : 4 * layer + 4]
        values = values @ kernel + bias
        mean = values.mean(axis=1, keepdims=True)
        scale = np.sqrt(values.var(axis=1, keepdims=True) + _EPSILON)
        values = np.maximum((values - mean) / scale * gamma + beta, 0)
    kernel, bias = arrays[-2:]
    return np.asarray(1 / (1 + np.exp(-(values @ kernel + bias)[:, 0].astype(np.float64))))
