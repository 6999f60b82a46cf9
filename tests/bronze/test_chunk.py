from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lepton_spark.bronze.reader import read
from lepton_spark.config.format import Parquet
from lepton_spark.errors import DataError
from tests.bronze.landed_files import STAMP, layout_of, problems, rows_of


def parquet(table):
    sink = io.BytesIO()
    pq.write_table(pa.table(table), sink)
    return sink.getvalue()


def texts_of(*stored):
    """An array of texts, whatever their bytes are."""
    ends = np.cumsum([0, *map(len, stored)], dtype=np.int32)
    content = pa.py_buffer(b"".join(stored))
    return pa.StringArray.from_buffers(len(stored), pa.py_buffer(ends.tobytes()), content)


CELLS = (b"a", b"\xff\xfe", b"a\0b", "é".encode(), "\ufffd".encode(), b"\xff\0", b"")
TOLD = [
    ("a", None), ("\ufffd\ufffd", "bad_encoding"), ("a\0b", "nul_character"), ("é", None),
    ("\ufffd", "bad_encoding"), ("\ufffd\0", "bad_encoding"), ("", None),
]  # fmt: skip


KINDS = (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string()))


@pytest.mark.parametrize("kind", KINDS)
def test_text_that_is_no_text_has_the_problems_that_it_has_in_a_text_file(landed, kind):
    table = {"v": texts_of(*CELLS).cast(kind), "w": [1] * len(CELLS)}

    rows = rows_of(landed(parquet(table)), layout_of(("w", "v"), Parquet()))

    assert [(row["v"], row["_problem"]) for row in rows] == TOLD
    assert [row["_raw"] for row in rows] == [None if problem is None else "" for _, problem in TOLD]


def test_a_cell_that_is_too_large_is_told_before_others(landed):
    table = {"v": texts_of(b"\xff", b"x" * (2**20 + 1)), "w": ["a", "\0"]}

    rows = rows_of(landed(parquet(table)), layout_of(("v", "w"), Parquet()))

    assert problems(rows) == ["bad_encoding", "cell_too_large"]
    assert [(row["v"], row["w"]) for row in rows] == [("\ufffd", "a"), (None, "\0")]


def test_a_list_with_text_that_is_none_is_told_in_its_row(landed):
    array = pa.ListArray.from_arrays([0, 1, 2], texts_of(b"\xff", b"ab"))

    rows = rows_of(landed(parquet({"v": array})), layout_of(("v",), Parquet()))

    assert [row["v"] for row in rows] == ["\ufffd", '["ab"]']
    assert problems(rows) == ["bad_encoding", None]


def test_a_dictionary_that_cannot_be_read_for_its_text_is_refused(landed):
    # Arrow narrows its places with a cast that looks at each text.
    kind = pa.dictionary(pa.int8(), pa.string())
    file = landed(parquet({"v": texts_of(b"\xff", b"ab").cast(kind)}))

    with pytest.raises(DataError, match="a dictionary holds a text that is no UTF-8") as raised:
        list(read(file, layout_of(("v",), Parquet()), STAMP))
    assert raised.value.code == "LS-2096"
