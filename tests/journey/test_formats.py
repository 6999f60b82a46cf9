"""Sources of every format, from files to clean rows, with nothing lost on the way."""

from __future__ import annotations

import io
import json
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from lepton_spark.bronze.stage import land
from lepton_spark.config.case import Case
from lepton_spark.config.column import Column
from lepton_spark.config.contract import Contract
from lepton_spark.lake import tables
from lepton_spark.silver.stage import refine
from tests.conftest import TINY_CASE

pytestmark = pytest.mark.spark

CONTRACTS = {
    "visits": Contract(
        "visits",
        (
            Column("visit", "integer", header="visit.id"),
            Column("day", "date", header="visit.day"),
            Column("weight", "number"),
            Column("ward", "string", allowed=("north", "south")),
        ),
    ),
    "prices": Contract(
        "prices",
        (Column("item", "string"), Column("price", "decimal", precision=9, scale=2)),
    ),
    "beds": Contract("beds", (Column("ward", "string"), Column("beds", "integer"))),
    "scans": Contract(
        "scans",
        (Column("path", "string"), Column("width", "integer"), Column("content", "binary")),
    ),
}
SOURCES = {
    "visits": {
        "path": "visits/{date}.jsonl",
        "contract": "visits",
        "key": ["visit"],
        "json": {},
        "clean": {
            "weight": {"number": {"decimal": ",", "units": {"kg": 1, "g": 0.001}}, "nulls": ["-1"]},
            "ward": {"blanks": "trim", "case": "lower", "nearest": 1},
            "day": {"formats": ["dd.MM.yyyy", "yyyy-MM-dd"]},
        },
    },
    "prices": {"path": "prices.parquet", "contract": "prices", "key": ["item"], "parquet": {}},
    "beds": {
        "path": "beds.dat",
        "contract": "beds",
        "origin": {"file": "beds_file", "row": "line"},
        "key": ["beds_file", "line"],
        "fixed_width": {"columns": {"ward": [1, 6], "beds": [7, 9]}},
    },
    "scans": {
        "path": "scans.tar.gz",
        "contract": "scans",
        "key": ["path"],
        "files": {"content": "image"},
        "max_refused": 0.5,
    },
}
VISITS = [
    {"visit": {"id": 1, "day": "29.02.2024"}, "weight": "70,5 kg", "ward": " North"},
    {"visit": {"id": 2, "day": "2024-02-29"}, "weight": "900 g", "ward": "sout"},
    {"visit": {"id": 3, "day": "2024-02-29"}, "weight": "-1", "ward": "south"},
]


def image(width):
    sink = io.BytesIO()
    Image.new("L", (width, 2)).save(sink, "PNG")
    return sink.getvalue()


def archive(members):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as packed:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    return sink.getvalue()


@pytest.fixture
def run(tmp_path, context_for):
    folder = tmp_path / "lake" / "landing" / "ward"
    (folder / "visits").mkdir(parents=True)
    lines = "\n".join(map(json.dumps, VISITS))
    (folder / "visits" / "2024-02-29.jsonl").write_text(lines)
    pq.write_table(pa.table({"item": ["bed"], "price": [12.5]}), folder / "prices.parquet")
    (folder / "beds.dat").write_text("north  12\nsouth   7\n")
    scans = {"a/1.png": image(5), "a/2.png": image(9)[:30]}
    (folder / "scans.tar.gz").write_bytes(archive(scans))
    case = {**TINY_CASE, "case": "ward", "sources": SOURCES, "features": {"own": ["weight"]}}
    return context_for(Case.model_validate(case), contracts=CONTRACTS)


def rows_of(run, source, *columns):
    table = tables.TableId("silver", f"ward_{source}")
    return sorted(tuple(row) for row in tables.read(run, table).select(*columns).collect())


def test_rows_of_every_format_become_clean_rows(run):
    landed = land(run)

    refined = refine(run)

    assert [table.rows for table in landed.tables] == [3, 1, 2, 2]
    days = [(1, 70.5, "north"), (2, 0.9, "south"), (3, None, "south")]
    assert rows_of(run, "visits", "visit", "weight", "ward") == days
    assert {str(row[0]) for row in rows_of(run, "visits", "day")} == {"2024-02-29"}
    assert [(item, str(price)) for item, price in rows_of(run, "prices", "item", "price")] == [
        ("bed", "12.50")
    ]
    assert rows_of(run, "beds", "beds_file", "line", "ward", "beds") == [
        ("beds.dat", 1, "north", 12),
        ("beds.dat", 2, "south", 7),
    ]
    assert rows_of(run, "scans", "path", "width", "content") == [
        ("a/1.png", 5, bytearray(image(5)))
    ]
    assert refined.facts["sources"]["scans"]["reasons"] == {"bad_image": 1}
