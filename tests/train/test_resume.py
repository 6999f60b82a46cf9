"""A training that fails within an epoch goes on there, whatever it trains and however."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from lepton_spark.config.train import ModelSettings
from lepton_spark.dataset.images import ImageColumn
from lepton_spark.dataset.tokens import TokenColumn
from lepton_spark.errors import TrainingError
from lepton_spark.train.local import LocalBackend
from lepton_spark.train.network import fit_network
from lepton_spark.train.phases import repeatable
from tests.train.planted import (
    GRAPH,
    SERIES,
    TRANSFORM,
    WORDS,
    graphs_of,
    job_on,
    rows_of,
    series_of,
)

pytestmark = pytest.mark.tensorflow
COUNT = 200
SAID = TokenColumn("said", WORDS[:3], 4)
SHOT = ImageColumn("shot", 8, 8, 1, "file")
TENSORS = {
    "table_mlp": {},
    "gru": {"tokens": (SAID,)},
    "cnn": {"images": (SHOT,)},
    "multimodal": {
        "series": (SERIES,),
        "images": (SHOT,),
        "tokens": (SAID,),
        "graphs": (GRAPH,),
    },
}


def png(pixels):
    stored = io.BytesIO()
    Image.fromarray(pixels).save(stored, "PNG")
    return stored.getvalue()


@pytest.fixture(scope="module")
def rows():
    """One table with columns of all kinds, so that a job of any kind has its own."""
    table, random = rows_of(COUNT), np.random.default_rng(1)
    for other in (series_of(COUNT), graphs_of(COUNT)):
        for name in other.column_names:
            if not name.startswith("_"):
                table = table.append_column(name, other[name])
    said = [" ".join(random.choice(WORDS, size)) for size in random.integers(0, 7, COUNT)]
    shots = random.integers(0, 256, (COUNT, 8, 8), np.uint8)
    table = table.append_column("said", pa.array(said))
    return table.append_column("shot", pa.array([png(shot) for shot in shots], pa.binary()))


def job_of(kind, rows, folder, **train):
    """Five blocks of two steps an epoch, after each of which a state is kept."""
    settings = {"batch_size": 16, "checkpoint_minutes": 0, "jit_compile": False, **train}
    job = job_on(rows, folder, row_group_size=40, learning_rate=0.01, **settings)
    return replace(
        job,
        model=ModelSettings(
            kind=kind,
            hidden=(8,),
            dropout=0.2,
            input_dropout=0.1,
            embedding=2,
            series_units=4,
            filters=(8,),
            graph_units=4,
            flip=True,
            shift=0.2,
        ),
        transform=replace(TRANSFORM, **TENSORS[kind]),
        most_block_rows=32,
    )


def fail(job, place):
    """Train up to a place."""
    Path(job.checkpoint).with_name("fault").write_text(f"0:raise:{place}")
    with pytest.raises(TrainingError, match=r"LS-6015: .*KeyError"):
        fit_network(LocalBackend(), replace(job, entry="tests.train.rank_work:fail_and_fit"), 1)


@pytest.mark.parametrize(
    ("kind", "train"),
    [
        ("table_mlp", {"optimizer": "lamb", "jit_compile": True}),
        ("table_mlp", {"precision": "mixed_bfloat16"}),
        ("gru", {"optimizer": "sgd", "momentum": 0.9}),
        ("cnn", {"batch_size": 8, "accumulate": 2}),
        ("multimodal", {"weight_average": 0.9}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_a_run_that_fails_within_an_epoch_ends_as_one_that_does_not(
    rows, tmp_path, monkeypatch, kind, train
):
    monkeypatch.setattr("lepton_spark.train.precision.has_bfloat16", lambda: True)
    whole = fit_network(LocalBackend(), job_of(kind, rows, tmp_path / "whole", **train), 1)
    job = job_of(kind, rows, tmp_path / "failed", **train)
    fail(job, "epoch 2, step 4")
    newest = max(path.name for path in Path(job.checkpoint).glob("epoch-*"))

    resumed = fit_network(LocalBackend(), job, 1)

    assert newest == "epoch-00001-00000004.npz"
    assert resumed.weights == whole.weights
    assert [*map(repeatable, resumed.history)] == [*map(repeatable, whole.history)]
    assert (len(resumed.history), resumed.precision) == (3, job.train.precision)


def test_an_image_is_decoded_once_and_not_once_an_epoch(rows, tmp_path, monkeypatch):
    decoded, decode = [], ImageColumn._from_file

    def counted(column, content):
        decoded.append(content)
        return decode(column, content)

    monkeypatch.setattr(ImageColumn, "_from_file", counted)
    fitted = fit_network(LocalBackend(), job_of("cnn", rows, tmp_path), 1)

    assert len(fitted.history) == 3
    assert sorted(decoded) == sorted(rows["shot"].to_pylist())
