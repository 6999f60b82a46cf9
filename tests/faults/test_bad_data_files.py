"""Bad files: the whole landing is refused, what was there stays as it was, byte by byte."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lepton_spark.bronze.stage import land
from lepton_spark.config.column import Column
from lepton_spark.config.contract import Contract
from lepton_spark.errors import DataError
from lepton_spark.silver.stage import refine
from tests.faults.bad_data import CANARY, demand
from tests.small_lake import SmallLake

pytestmark = [pytest.mark.fault]

CASE = {
    "case": "files",
    "sources": {
        "rows": {"path": "rows/*.csv", "contract": "rows", "key": ["id"]},
        "blocks": {"path": "blocks/*.parquet", "contract": "rows", "key": ["id"], "parquet": {}},
        "clocks": {"path": "clocks/*.csv", "contract": "clocks", "key": ["id"]},
    },
    "predict": {"each": "rows", "day": "day", "at": {"time": "02:00", "zone": "UTC"}},
    "features": {"own": ["amount"]},
    "gate": None,
}
CONTRACTS = {
    "rows": Contract(
        "rows",
        (Column("id", "integer"), Column("amount", "number"), Column("note", "string")),
    ),
    "clocks": Contract("clocks", (Column("id", "integer"), Column("seen_at", "timestamp"))),
}
BLOCK = pa.table({"id": [7], "amount": [1.5], "note": [CANARY]})


def parquet(table=BLOCK):
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, write_page_checksum=True, compression="none", use_dictionary=False)
    return sink.getvalue().to_pybytes()


def flipped(stored):
    """One bit of a value in a page is another."""
    footer = len(stored) - 8 - int.from_bytes(stored[-8:-4], "little")
    place = stored.rindex(CANARY.encode(), 0, footer)
    return stored[:place] + bytes([stored[place] ^ 1]) + stored[place + 1 :]


WIDE = ",".join(["id", "amount", "note", *(f"c{n}" for n in range(9997))])
BAD = {
    "A3": ("rows/bad.csv", b"id,amount,note\n", "LS-2021", ["0 records: 0 < 1", "min_rows"]),
    "A4": ("blocks/bad.parquet", b"", "LS-2096", ["0 bytes", "no Parquet", "remove it"]),
    "A5": (
        "blocks/bad.parquet",
        parquet()[:-20],
        "LS-2096",
        ["footer is missing", f"{len(parquet()) - 20} bytes", "upload that was cut off"],
    ),
    "A6": (
        "blocks/bad.parquet",
        f"id,amount,note\n1,1,{CANARY}\n".encode(),
        "LS-2096",
        ["magic bytes are not PAR1"],
    ),
    "A7": (
        "blocks/bad.parquet",
        flipped(parquet()),
        "LS-2096",
        ["checksum of a page does not match", "restore the file"],
    ),
    "A8": (
        "blocks/bad.parquet",
        parquet(BLOCK.set_column(0, "id", pa.array([CANARY]))),
        "LS-2097",
        ["column id is string in the file, integer is promised"],
    ),
    "A15": (
        "rows/bad.csv",
        f"id,amount,note\n1,1,{CANARY}\n".encode("utf-16"),
        "LS-2018",
        ["UTF-16", "iconv"],
    ),
    "A17": ("rows/bad.csv", b"id,amount,Amount,note\n", "LS-2012", ["columns 2 and 3"]),
    "A18": ("rows/bad.csv", b"id,amount,note,id\n", "LS-2012", ["columns 1 and 4"]),
    "A19": ("rows/bad.csv", b"id,note\n1,x\n", "LS-2014", ["column amount (number) is missing"]),
    "A20": (
        "rows/bad.csv",
        b"id,amount,note,colour\n",
        "LS-2015",
        ["'colour' (column 4)", "extra_columns: ignore"],
    ),
    "A22": (
        "rows/bad.csv",
        b"id,amonut,note\n",
        "LS-2014",
        ["column amount", "nearest name in the file is 'amonut'"],
    ),
    "A38": (
        "rows/bad.csv",
        b"id,amount,note,<script>\x1b[31m\n",
        "LS-2015",
        ["<script>?[31m"],
    ),
    "A43": (
        "rows/bad.csv",
        f"{WIDE}\n".encode(),
        "LS-2127",
        ["has 10000 columns", "max_columns of the source is 2000"],
    ),
}


@pytest.fixture(scope="module")
def lake(spark, tmp_path_factory):
    """A lake with one good file of each source, refined."""
    made = SmallLake(spark, tmp_path_factory.mktemp("files"), CASE, CONTRACTS)
    made.put("rows/good.csv", "id,amount,note\n1,1.5,x\n")
    made.put("blocks/good.parquet", parquet())
    made.put("clocks/good.csv", "id,seen_at\n1,2024-02-28T00:00:00Z\n")
    made.ingest()
    return made


@pytest.mark.spark
@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_and_nothing_changes(lake, name):
    path, content, code, parts = BAD[name]
    before = lake.state()
    file = lake.put(path, content)
    least = {"rows": {"min_rows": 1}} if name == "A3" else {}

    try:
        with pytest.raises(DataError) as raised:
            land(lake.context(sources=least))
    finally:
        file.unlink()

    demand(raised.value, code, *parts, *([] if name == "A3" else [path]))
    assert "nothing of it was published" in str(raised.value)
    assert lake.state() == before


@pytest.mark.spark
def test_a31_milliseconds_that_are_read_as_seconds_stop_the_batch(lake):
    # What writes 1709164800000, milliseconds of 2024, as seconds.
    lines = "2,56131-02-10T00:00:00Z\n3,2024-02-29T00:00:00Z\n"
    lake.put("clocks/late.csv", f"id,seen_at\n{lines}")
    land(lake.context())
    before = lake.state()

    with pytest.raises(DataError) as raised:
        refine(lake.context(sources={"clocks": {"max_refused": 1.0}}))

    demand(
        raised.value, "LS-2042", "looks like milliseconds", "timestamp_millis", "1 of 2 new rows"
    )
    assert "silver.files_clocks is still at version 0" in str(raised.value)
    assert lake.state() == before


@pytest.mark.spark
def test_a20_an_extra_column_is_left_out_where_the_case_says_so(spark, tmp_path):
    made = SmallLake(
        spark, tmp_path, {**CASE, "sources": {"rows": CASE["sources"]["rows"]}}, CONTRACTS
    )
    made.put("rows/a.csv", "id,colour,amount,note\n1,red,1.5,x\n")

    land(made.context(sources={"rows": {"csv": {"extra_columns": "ignore"}}}))

    assert made.rows("rows", "id", "amount", "note", layer="bronze") == [("1", "1.5", "x")]


def without_files(tmp_path, path):
    """A lake of one source; no Spark is started for it."""
    source = {"path": path, "contract": "rows", "key": ["id"]}
    document = {**CASE, "sources": {"rows": source}}
    return SmallLake(None, tmp_path, document, CONTRACTS)


def test_a1_a_missing_path_is_told_with_the_nearest_names(tmp_path):
    made = without_files(tmp_path, "rows.csv")
    for name in ("row.csv", "rows.cvs", "rows1.csv", "other.txt"):
        made.put(name, "id\n1\n")

    with pytest.raises(DataError) as raised:
        land(made.context())

    demand(raised.value, "LS-2010", "rows.csv does not exist", "row.csv", "rows.cvs", "rows1.csv")
    assert "other.txt" not in str(raised.value)
    assert made.state() == {}


def test_a2_an_empty_folder_is_a_failed_delivery_unless_allowed(tmp_path):
    made = without_files(tmp_path, "rows/{date}.csv")
    made.put("rows/notes.txt", "nothing yet")

    with pytest.raises(DataError) as raised:
        land(made.context())

    demand(raised.value, "LS-2020", "no files for rows/{date}.csv", "2024-02-29", "--allow-empty")
    assert made.state() == {}
