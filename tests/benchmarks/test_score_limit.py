"""The limit of scoring does all rows, in their order."""

from __future__ import annotations

import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.score_limit import UNITS, Limit
from lepton_spark.models.weights import pack

NAMES = ["x", "y"]


def test_all_cores_together_score_as_one(tmp_path):
    random = np.random.default_rng(7)
    table = pa.table({name: random.standard_normal(50).astype(np.float32) for name in NAMES})
    path = tmp_path / "rows.parquet"
    pq.write_table(table, path, row_group_size=20)
    arrays, width = {}, len(NAMES)
    for layer, units in enumerate(UNITS):
        shapes = {"kernel": (width, units), "bias": units, "gamma": units, "beta": units}
        for name, shape in shapes.items():
            arrays[f"{layer}-{name}"] = random.standard_normal(shape).astype(np.float32)
        width = units
    arrays |= {"kernel": random.standard_normal((width, 1)), "bias": np.zeros(1)}
    (tmp_path / "weights.npz").write_bytes(pack(arrays))

    found = []
    core = min(os.sched_getaffinity(0))
    for cores in ([core], [core, core, core, core]):
        limit = Limit(cores)
        found.append(limit.scores(path, NAMES, str(tmp_path)))
        limit.close()

    assert found[0].shape == (50,)
    np.testing.assert_allclose(*found, rtol=1e-6)
