from __future__ import annotations

import bz2
import io
import lzma

import pytest

from lepton_spark.bronze import stream
from lepton_spark.bronze.reader import read
from lepton_spark.bronze.stream import HashedStream
from lepton_spark.config.format import Csv
from lepton_spark.errors import DataError
from tests.bronze.landed_files import STAMP, layout_of, rows_of

LAYOUT = layout_of(("id", "v"), Csv())
WHOLE = [("1", "a"), ("2", "b"), ("3", "c"), ("4", "d")]
FORMS = [(".bz2", bz2.compress), (".xz", lzma.compress)]


def streams(compress):
    return compress(b"id,v\n1,a\n2,b\n"), compress(b"3,c\n4,d\n")


def cells(file):
    return [(row["id"], row["v"]) for row in rows_of(file, LAYOUT)]


def unpacked(ending, content):
    hashed = HashedStream(io.BytesIO(content), lambda: io.BytesIO(content))
    return hashed.buffered(f"a{ending}").read()


@pytest.mark.parametrize(("ending", "compress"), FORMS)
def test_streams_that_follow_each_other_are_one_content(landed, monkeypatch, ending, compress):
    first, second = streams(compress)

    assert cells(landed(first + second, f"a.csv{ending}")) == WHOLE
    monkeypatch.setattr(stream, "_CHUNK_BYTES", 3)
    assert cells(landed(first + second, f"a.csv{ending}")) == WHOLE


@pytest.mark.parametrize(("ending", "compress"), FORMS)
def test_a_later_stream_that_is_damaged_or_cut_off_loses_no_rows_unseen(landed, ending, compress):
    first, second = streams(compress)
    flips = [
        second[:place] + bytes([byte ^ 0x55]) + second[place + 1 :]
        for place, byte in enumerate(second)
    ]
    cuts = [second[:length] for length in range(1, len(second))]

    for damaged in [*flips, *cuts, b"garbage"]:
        try:
            assert cells(landed(first + damaged, f"a.csv{ending}")) == WHOLE
        except DataError as error:
            assert error.code == "LS-2016"  # a flip may change nothing


def test_zeros_between_streams_are_padding_of_xz_alone(landed):
    first, second = streams(lzma.compress)
    padded = first + bytes(8) + second + bytes(4)

    assert cells(landed(padded, "a.csv.xz")) == WHOLE
    with pytest.raises(DataError, match="LS-2016"):
        list(read(landed(bz2.compress(b"id,v\n1,a\n") + bytes(4), "a.csv.bz2"), LAYOUT, STAMP))


@pytest.mark.parametrize(("ending", "compress"), FORMS)
def test_content_larger_than_a_chunk_comes_out_whole(ending, compress):
    content = bytes(range(256)) * 20_000

    assert unpacked(ending, compress(content) + compress(b"end")) == content + b"end"
