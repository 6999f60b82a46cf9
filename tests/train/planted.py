"""A small table with a law to learn, and jobs on it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lepton_spark.config.train import ModelSettings, TrainSettings
from lepton_spark.dataset.graphs import Graph, GraphLists, Property
from lepton_spark.dataset.series import Names, Series, Variable
from lepton_spark.dataset.shards import whole
from lepton_spark.dataset.transform import CategoryColumn, FeatureTransform, NumberColumn
from lepton_spark.train.network import NetworkJob

WORDS = ("ant", "bee", "cat", "dog")
TRANSFORM = FeatureTransform(
    numbers=tuple(
        NumberColumn(name, -4.0, 4.0, 0.0, 0.0, 1.0, has_missing_flag=name == "z")
        for name in ("x", "y", "z")
    ),
    categories=(CategoryColumn("word", WORDS[:3]),),
    rows_digest="",
)


def rows_of(count, seed=1):
    random = np.random.default_rng(seed)
    x, y, z = random.normal(size=(3, count))
    word = random.integers(0, 4, count)
    logit = 1.5 * x * np.sign(y) + np.array([-1.0, 0.0, 1.0, 2.0])[word]
    label = random.random(count) < 1 / (1 + np.exp(-logit))
    part = np.where(np.arange(count) % 4 == 3, "validate", "train")
    return pa.table(
        {
            "x": x,
            "y": y,
            "z": pa.array(z, mask=random.random(count) < 0.2),
            "word": np.array(WORDS)[word],
            "_label": label.astype(float),
            "_split": part,
        }
    )


def job_on(rows, folder, *, row_group_size=400, **train):
    """A job on rows written to a folder; checkpoints lie in the folder as well."""
    settings = {"batch_size": 128, "epochs": 3, "patience": 3, "stall_seconds": 30, **train}
    return NetworkJob(
        model=ModelSettings(hidden=(16, 8), dropout=0.1, embedding=3),
        train=TrainSettings(**settings),
        transform=TRANSFORM,
        fitted=write_part(rows, folder, row_group_size, "train"),
        validated=write_part(rows, folder, row_group_size, "validate"),
        label="_label",
        checkpoint=str(folder / "checkpoint"),
        class_rows=tuple(np.bincount(rows["_label"].to_numpy().astype(int)).tolist()),
    )


def write_part(rows, folder, row_group_size, name):
    part = rows.filter(pc.field("_split") == name).drop_columns(["_split"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.parquet"
    pq.write_table(part, path, row_group_size=row_group_size)
    sizes = [
        min(row_group_size, part.num_rows - n) for n in range(0, part.num_rows, row_group_size)
    ]
    return tuple(whole(str(path), group, size) for group, size in enumerate(sizes))


STEPS = 6
SERIES = Series(
    "series_signs", STEPS, (Variable(Names("s", "s_mask", "s_gap"), -4.0, 4.0, 0.0, 1.0),)
)


def series_of(count, seed=1):
    """Rows whose label follows from whether a value rises over six steps, some of them unseen."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(count, STEPS)).cumsum(axis=1)
    label = values[:, -1] > values[:, 0]
    is_seen = random.random((count, STEPS)) < 0.8
    given = [
        pa.array(np.where(seen, row, 0.0), mask=~seen)
        for row, seen in zip(values, is_seen, strict=True)
    ]
    part = np.where(np.arange(count) % 4 == 3, "validate", "train")
    return pa.table(
        {
            "s": pa.array([row.to_pylist() for row in given], pa.list_(pa.float64())),
            "s_mask": pa.array(is_seen.astype(np.int8).tolist(), pa.list_(pa.int8())),
            "s_gap": pa.array(np.ones((count, STEPS), np.float32).tolist(), pa.list_(pa.float32())),
            "_label": label.astype(float),
            "_split": part,
        }
    )


def series_job_on(rows, folder, **train):
    """The same as `job_on` for a network that reads a series and nothing else."""
    job = job_on(rows, folder, **train)
    return replace(
        job,
        model=ModelSettings(kind="gru", hidden=(8,), dropout=0, series_units=8),
        transform=FeatureTransform((), (), "", series=(SERIES,)),
    )


NODES = 6
GRAPH = Graph(
    GraphLists("friends", "from", "to", ("sign",), NODES, NODES, directed=False),
    (Property(-1.0, 1.0, 0.0, 1.0),),
)


def graphs_of(count, seed=1):
    """Rows whose label follows from whether edges join like nodes; the nodes alone tell nothing."""
    random = np.random.default_rng(seed)
    label = random.random(count) < 0.5
    rows = []
    for is_like in label:
        sign = random.permutation([1, -1, 1, -1, 1, -1])
        pairs = [(a, b) for a in range(NODES) for b in range(a)]
        fitting = [pair for pair in pairs if (sign[pair[0]] == sign[pair[1]]) == is_like]
        edges = [fitting[place] for place in random.permutation(len(fitting))[: NODES - 1]]
        rows.append((*map(list, zip(*edges, strict=True)), sign.tolist()))
    texts = {
        name: [json.dumps(row[place]) for row in rows]
        for place, name in enumerate(GRAPH.lists.columns)
    }
    part = np.where(np.arange(count) % 4 == 3, "validate", "train")
    return pa.table({**texts, "_label": label.astype(float), "_split": part})


def graph_job_on(rows, folder, **train):
    """The same as `job_on` for a network that reads a graph and nothing else."""
    job = job_on(rows, folder, **train)
    return replace(
        job,
        model=ModelSettings(kind="graph", hidden=(8,), dropout=0, graph_units=8),
        transform=FeatureTransform((), (), "", graphs=(GRAPH,)),
    )
