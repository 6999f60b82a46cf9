from __future__ import annotations

import gzip
import struct

import pytest

from lepton_spark.bronze.reader import read
from lepton_spark.config.format import Idx
from lepton_spark.errors import DataError
from tests.bronze.landed_files import STAMP, layout_of, rows_of

LABELS = struct.pack(">BBBBI", 0, 0, 8, 1, 3) + bytes([5, 0, 9])
IMAGES = struct.pack(">BBBBIII", 0, 0, 8, 3, 2, 2, 3) + bytes(range(12))


def test_labels_are_numbers(landed):
    rows = rows_of(landed(LABELS), layout_of(("index", "value"), Idx()))

    assert [(row["index"], row["value"]) for row in rows] == [("0", "5"), ("1", "0"), ("2", "9")]


def test_images_are_bytes_with_their_sizes(landed):
    layout = layout_of(("value", "height", "width", "index"), Idx(), value="binary")

    rows = rows_of(landed(gzip.compress(IMAGES), "a.gz"), layout)

    assert [row["value"] for row in rows] == [bytes(range(6)), bytes(range(6, 12))]
    assert {(row["height"], row["width"]) for row in rows} == {("2", "3")}
    assert [row["_row"] for row in rows] == [1, 2]


def test_values_of_every_type_are_read(landed):
    floats = struct.pack(">BBBBI2f", 0, 0, 0x0D, 1, 2, 1.5, -2.0)

    rows = rows_of(landed(floats), layout_of(("value",), Idx()))

    assert [row["value"] for row in rows] == ["1.5", "-2.0"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\x08",
        LABELS[:-1],
        LABELS + b"\0",
        IMAGES[:-1],
        b"\0\0\x07" + LABELS[3:],
        b"P5 2 2 255\n",
        IMAGES[:9],
        struct.pack(">BBBBIII", 0, 0, 8, 3, 1, 2**16, 2**16),
        struct.pack(">BBBBII", 0, 0, 8, 2, 1_000_000, 0),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(landed, content):
    with pytest.raises(DataError) as raised:
        list(read(landed(content), layout_of(("index",), Idx()), STAMP))
    assert raised.value.code == "LS-2095"


@pytest.mark.parametrize(
    ("content", "kind"),
    [(IMAGES, "string"), (IMAGES[:16] + b"Ada" * 4, "string"), (LABELS, "binary")],
)
def test_values_of_the_other_kind_than_promised_are_refused(landed, content, kind):
    with pytest.raises(DataError) as raised:
        list(read(landed(content), layout_of(("value",), Idx(), value=kind), STAMP))

    assert (raised.value.code, f"{kind} is promised" in raised.value.what) == ("LS-2097", True)
    assert "Ada" not in str(raised.value)
