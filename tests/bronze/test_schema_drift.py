"""Sixteen ways in which the columns of a source change: accepted by what is declared, or refused.

What only the values tell is refused later: nulls of a required column and cells of another kind
row by row (tests/quality/test_rules.py, tests/silver/test_conform.py), another unit by the median
of earlier days (tests/silver/test_contract_of_a_table.py).
"""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql.types import IntegerType, LongType, StringType, StructType

from lepton_spark.bronze.header import Promised
from lepton_spark.bronze.layout import Layout
from lepton_spark.config.format import Csv, Json, Parquet
from lepton_spark.errors import DataError
from lepton_spark.lake.catalog import TableId
from lepton_spark.lake.drift import refuse_drift
from lepton_spark.lake.publication import Publication
from tests.bronze.landed_files import rows_of

PROMISED = (Promised("visit", "integer", "visit"), Promised("city", "string", "address.city"))
FLAT = (Promised("visit", "integer", "visit"), Promised("city", "string", "city"))
AS_PROMISED = [("1", "Graz"), ("2", "Wien")]
STRUCT = pa.array([{"city": "Graz"}, {"city": "Wien"}])
IGNORE = "ignore"


def parquet(**columns):
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, write_page_checksum=True)
    return sink.getvalue()


def lines(*objects):
    return "\n".join(map(json.dumps, objects)).encode()


def cities(landed, content, form, promised):
    rows = rows_of(landed(content), Layout(promised, form))
    return [(row["visit"], row["city"]) for row in rows]


@pytest.mark.parametrize(
    ("content", "form", "promised"),
    [
        pytest.param(b"city,visit\nGraz,1\nWien,2\n", Csv(), FLAT, id="order"),
        pytest.param(b"Visit,CITY\n1,Graz\n2,Wien\n", Csv(), FLAT, id="upper and lower case"),
        pytest.param(
            b"visit,zip,city\n1,8010,Graz\n2,1010,Wien\n", Csv(extra_columns=IGNORE), FLAT,
            id="a new column, which the case leaves out",
        ),
        pytest.param(
            parquet(visit=pa.array([1, 2], pa.int64()), address=STRUCT), Parquet(), PROMISED,
            id="wider numbers",
        ),
        pytest.param(
            parquet(visit=pa.array([1, 2], pa.int16()), address=STRUCT), Parquet(), PROMISED,
            id="narrower numbers",
        ),
        pytest.param(
            lines({"visit": 1, "address": {"city": "Graz", "zip": 8010}},
                  {"visit": 2, "address": {"city": "Wien"}}),
            Json(extra_columns=IGNORE), PROMISED, id="a new key within an object",
        ),
    ],
)  # fmt: skip
def test_a_change_that_the_case_declares_or_that_loses_nothing_is_accepted(
    landed, content, form, promised
):
    assert cities(landed, content, form, promised) == AS_PROMISED


@pytest.mark.parametrize(
    ("content", "form", "promised", "expected"),
    [
        pytest.param(
            b"visit\n1\n", Csv(), FLAT, ("LS-2014", "column city (string) is missing"),
            id="dropped",
        ),
        pytest.param(
            b"visit,citty\n1,Graz\n", Csv(), FLAT, ("LS-2014",
            "column city (string) is missing; the nearest name in the file is 'citty'"),
            id="renamed",
        ),
        pytest.param(
            b"visit,city,zip\n1,Graz,8010\n", Csv(), FLAT, ("LS-2015",
            "'zip' (column 3) is not in the contract"), id="new",
        ),
        pytest.param(
            b"visit,city,City\n1,Graz,Wien\n", Csv(), FLAT, ("LS-2012",
            "columns 2 and 3 of the file have the same name, city"), id="twice",
        ),
        pytest.param(
            b"1,Graz\n2,Wien\n", Csv(), FLAT, ("LS-2013", "names none of the 2 columns"),
            id="no header",
        ),
        pytest.param(
            parquet(visit=["1"], address=STRUCT[:1]), Parquet(), PROMISED, ("LS-2097",
            "column visit is string in the file, integer is promised"), id="another type",
        ),
        pytest.param(
            parquet(visit=[1], city=["Graz"]), Parquet(), PROMISED, ("LS-2014",
            "column address.city (string) is missing; the nearest name in the file is 'city'"),
            id="no longer nested",
        ),
        pytest.param(
            lines({"visit": 1, "address": {"city": "Graz"}, "zip": 8010}), Json(), PROMISED,
            ("LS-2015", "'zip'"), id="a new key",
        ),
    ],
)  # fmt: skip
def test_any_other_change_of_a_file_is_refused_by_name(landed, content, form, promised, expected):
    with pytest.raises(DataError) as error:
        cities(landed, content, form, promised)

    code, told = expected
    assert (error.value.code, told in error.value.what) == (code, True), error.value.what
    assert error.value.fix
    assert "Graz" not in str(error.value)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (StructType().add("visit", LongType()), "visit was int and is bigint"),
        (StructType().add("visit", IntegerType()).add("zip", StringType()), "zip (string) is new"),
    ],
    ids=["another type in the contract", "a new column in the contract"],
)
def test_a_changed_contract_does_not_change_a_published_table(rows, told):
    publication = Publication(TableId("silver", "clinic_visits"), "refine", "k", "f")

    with pytest.raises(DataError) as error:
        refuse_drift(publication, rows, StructType().add("visit", IntegerType()))

    assert (error.value.code, told in error.value.what) == ("LS-2019", True), error.value.what
    assert error.value.state == "silver.clinic_visits is unchanged"
