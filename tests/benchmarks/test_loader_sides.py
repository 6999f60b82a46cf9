"""A side of the loader is not charged for rows that it does not give."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.tensorflow


def test_the_textbook_decodes_no_more_than_its_rows(tmp_path, monkeypatch):
    from benchmarks import loader_sides

    path, decoded = tmp_path / "rows.parquet", []
    values = np.arange(30, dtype=np.float32)
    pq.write_table(pa.table({"x": values, "label": values}), path, row_group_size=10)
    every = loader_sides._groups

    def counted(path):
        for table in every(path):
            decoded.append(table.num_rows)
            yield table

    monkeypatch.setattr(loader_sides, "_groups", counted)
    monkeypatch.setattr(loader_sides, "MOST_TEXTBOOK_ROWS", 10)

    seconds, total, rows = loader_sides.textbook(str(path), tmp_path)

    assert (len(seconds), total, rows) == (loader_sides.EPOCHS, values[:10].sum(), 10)
    assert decoded == [10] * (1 + loader_sides.EPOCHS)
