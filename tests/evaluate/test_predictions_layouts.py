"""A row gets the same score to the bit wherever it lies, and whatever lies beside it."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from lepton_spark.evaluate.predictions import ROWS_AT_ONCE, predict
from lepton_spark.lake.file_plan import FilePlan, FileSlice
from tests.evaluate.visits import average, network, trees, visits

pytestmark = [pytest.mark.spark, pytest.mark.tensorflow]

ROWS = ROWS_AT_ONCE + 3_000  # more than are scored together


def stored(folder, rows, sizes, group):
    """The row groups of files of so many rows each."""
    folder.mkdir()
    slices = []
    for size, end in zip(sizes, accumulate(sizes), strict=True):
        path = str(folder / f"{end}.parquet")
        part = rows.slice(end - size, size)
        pq.write_table(part, path, row_group_size=group, write_page_checksum=True)
        starts = range(0, size, group)
        slices += [
            FileSlice(path, number, min(group, size - start)) for number, start in enumerate(starts)
        ]
    return FilePlan("gold.visits", 0, tuple(slices))


def test_files_row_groups_partitions_and_order_change_no_bit(spark, tmp_path):
    members = network(), trees()
    models = {"network": members[0], "trees": members[1], "average": average(*members)}
    rows = visits(ROWS)
    mixed = rows.take(np.random.default_rng(8).permutation(ROWS))
    plans = {
        "one row group": stored(tmp_path / "one", rows, [ROWS], ROWS),
        "ten row groups": stored(tmp_path / "ten", rows, [ROWS], ROWS // 10 + 7),
        "files in another order": stored(
            tmp_path / "mixed", mixed, [1, 5_555, ROWS - 5_556], 4_321
        ),
    }
    table = spark.read.parquet(str(tmp_path / "ten"))
    frames = {
        "one partition": table.coalesce(1),
        "seven partitions": table.repartition(7).sortWithinPartitions(F.desc("shop"), "age"),
    }

    found = {n: predict(table, models, keep=["visit"], plan=plan) for n, plan in plans.items()}
    found |= {name: predict(frame, models, keep=["visit"]) for name, frame in frames.items()}

    scores = {name: frame.toArrow().sort_by("visit") for name, frame in found.items()}
    first = scores["one row group"]
    assert first["visit"].to_pylist() == list(range(ROWS))
    for name, other in scores.items():
        for column in first.column_names:
            assert np.array_equal(first[column], other[column]), (name, column)
