"""What tests of formats share."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa

from lepton_spark.bronze.header import Promised
from lepton_spark.bronze.layout import Layout, Stamp
from lepton_spark.bronze.reader import read

STAMP = Stamp("r-1", datetime(2024, 5, 1, tzinfo=UTC))


def layout_of(names, form, **kinds):
    """Columns of one name in file and contract; text, but for some."""
    return Layout(tuple(Promised(name, kinds.get(name, "string"), name) for name in names), form)


def rows_of(file, layout):
    """The bronze rows of a file."""
    return pa.Table.from_batches(list(read(file, layout, STAMP)), layout.schema).to_pylist()


def problems(rows):
    """The reason code of each row."""
    return [row["_problem"] for row in rows]
