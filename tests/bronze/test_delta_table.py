"""A Delta table as a source: each of its rows once, whatever its log does that is no change."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import functions as F

from lepton_spark.bronze import stage
from lepton_spark.bronze.delta_table import find_table, newest_file
from lepton_spark.bronze.stage import land
from lepton_spark.config.case import Case
from lepton_spark.config.contract import Column, Contract
from lepton_spark.errors import DataError
from lepton_spark.lake import tables
from tests.conftest import TINY_CASE

pytestmark = pytest.mark.spark

ORDERS = tables.TableId("bronze", "shop_orders")
COLUMNS = (
    Column("order", "integer"),
    Column("day", "date"),
    Column("price", "decimal"),
    Column("city", "string", header="buyer.city"),
)
WIDER = Contract("orders", (*COLUMNS, Column("shop", "string")))
CONTRACTS = {"orders": Contract("orders", COLUMNS)}
FOLDER = "erp/orders"


def shop(**orders):
    source = {"path": FOLDER, "contract": "orders", "key": ["order"], "delta": {}, **orders}
    label = {"name": "is_dear", "from": "orders", "is": "price > 3"}
    predict = {**TINY_CASE["predict"], "each": "orders", "label": label}
    return Case.model_validate(
        {
            **TINY_CASE,
            "case": "shop",
            "sources": {"orders": source},
            "predict": predict,
            "features": {"own": ["price"]},
        }
    )


@pytest.fixture
def context(context_for):
    def make(**orders):
        return context_for(shop(**orders), contracts=CONTRACTS)

    return make


class Erp:
    """A table by days; calling it appends orders."""

    def __init__(self, spark, folder):
        self.spark, self.folder = spark, folder

    def __call__(self, *orders, shop=None):
        cells = ", ".join(
            f"({n}, date'2024-02-{27 + n % 2}', {n}.50, named_struct('city', 'Graz'))"
            for n in orders
        )
        rows = self.spark.sql(f"select * from values {cells} as t(order, day, price, buyer)")
        rows = rows.withColumn("price", F.col("price").cast("decimal(9,2)")).coalesce(1)
        if shop is not None:
            rows = rows.withColumn("shop", F.lit(shop))
        writer = rows.write.format("delta").mode("append").option("mergeSchema", "true")
        writer.partitionBy("day").save(self.folder)

    def begin(self, name, value):
        """Another table in its place, with a property."""
        shutil.rmtree(self.folder)
        rows = self.spark.sql("select 1 order, date'2024-02-28' day")
        rows.write.format("delta").option(name, value).partitionBy("day").save(self.folder)
        self(2, 4)


@pytest.fixture
def erp(spark, tmp_path):
    """A table with two orders."""
    table = Erp(spark, str(tmp_path / "lake" / "landing" / "shop" / FOLDER))
    table(1, 2)
    return table


def landed(context):
    columns = ("order", "day", "price", "city")
    rows = tables.read(context, ORDERS).select(*columns, "_file", "_row").collect()
    assert len({(row["_file"], row["_row"]) for row in rows}) == len(rows)
    assert all(row["_file"].startswith(f"{FOLDER}/day=2024-02-") for row in rows)
    return sorted(tuple(row)[:4] for row in rows)


def expected(*orders):
    return [(str(n), f"2024-02-{27 + n % 2}", f"{n}.50", "Graz") for n in orders]


def refused(context, code):
    before = tables.current_version(context, ORDERS)
    with pytest.raises(DataError) as raised:
        land(context)
    assert raised.value.code == code
    assert tables.current_version(context, ORDERS) == before
    return raised.value


def test_rows_are_landed_once_with_the_columns_of_their_folders(context, erp):
    first = land(context())

    assert landed(context()) == expected(1, 2)
    again = land(context())
    assert (first.tables[0].version, again.tables[0].version) == (0, 0)
    assert not again.tables[0].is_new

    erp(3)
    assert [(table.rows, table.is_new) for table in land(context()).tables] == [(1, True)]
    assert landed(context()) == expected(1, 2, 3)


def test_compacted_files_bring_no_row_twice_and_lose_none(spark, context, erp):
    land(context())
    erp(3)
    erp(5)
    DeltaTable.forPath(spark, erp.folder).optimize().executeCompaction()
    erp(4)

    assert land(context()).tables[0].rows == 3
    assert landed(context()) == expected(1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.delete("order = 1"),
        lambda table: table.update("order = 2", {"price": "9.0"}),
    ],
)
def test_rows_that_change_after_they_were_landed_are_refused(spark, context, erp, change):
    land(context())
    erp(3)
    change(DeltaTable.forPath(spark, erp.folder))

    error = refused(context(), "LS-2156")

    assert "version 2 changed or deleted rows that were there" in error.what
    assert landed(context()) == expected(1, 2)


def test_what_was_deleted_before_the_first_landing_stays_away(spark, context, erp):
    erp(3)
    DeltaTable.forPath(spark, erp.folder).delete("order = 1")

    land(context())

    assert landed(context()) == expected(2, 3)


def test_rows_from_before_a_new_column_have_none_of_it(context, erp):
    erp(3, shop="Linz")

    error = refused(context(), "LS-2015")
    assert "'shop'" in error.what
    run = replace(context(), contracts={"orders": WIDER})
    land(run)

    assert landed(run) == expected(1, 2, 3)
    found = tables.read(run, ORDERS).select("order", "shop").collect()
    assert {tuple(row) for row in found} == {("1", None), ("2", None), ("3", "Linz")}


def test_deletion_vectors_are_refused_as_files_hold_deleted_rows(spark, context, erp):
    erp.begin("delta.enableDeletionVectors", "true")
    erp(3, 5)
    DeltaTable.forPath(spark, erp.folder).delete("order = 3")

    assert "deletion vectors" in refused(context(), "LS-2156").what


def test_mapped_columns_are_refused(context, erp):
    erp.begin("delta.columnMapping.mode", "name")

    assert "column mapping" in refused(context(), "LS-2155").what
    with pytest.raises(DataError, match="LS-2155"):
        newest_file(find_table("orders", erp.folder))


def test_a_table_that_was_removed_and_written_anew_is_refused(context, erp):
    land(context())
    erp.begin("delta.appendOnly", "true")
    erp(3)

    assert "another id" in refused(context(), "LS-2157").what


def test_an_instant_in_a_folder_is_the_same_text_in_every_landing(spark, context, erp):
    shutil.rmtree(erp.folder)
    text = "2024-01-31 18:00:00.25"
    rows = spark.sql(f"select 1 order, date'2024-02-28' day, 1.5 price, timestamp'{text}' at")
    rows = rows.withColumn("buyer", F.struct(F.lit("Graz").alias("city")))
    contract = Contract("orders", (*COLUMNS, Column("at", "timestamp")))
    run = replace(context(), contracts={"orders": contract})

    for _ in range(2):
        rows.write.format("delta").mode("append").partitionBy("at").save(erp.folder)
        assert land(run).tables[0].rows == 1

    found = tables.read(run, ORDERS).select("at").collect()
    assert [row["at"] for row in found] == ["2024-01-31T18:00:00.250000Z"] * 2


def test_rows_that_arrive_while_the_table_is_looked_at_are_landed(context, erp, monkeypatch):
    coming = [3, 4]

    def look(name, uri):
        erp(coming.pop(0))
        return find_table(name, uri)

    monkeypatch.setattr(stage, "find_table", look)

    land(context())
    assert landed(context()) == expected(1, 2, 3)
    land(context())
    assert landed(context()) == expected(1, 2, 3, 4)


def test_a_log_that_was_cut_before_what_was_landed_is_no_loss(spark, context, erp):
    erp.begin("delta.checkpointInterval", "2")
    erp(6)
    land(context())
    DeltaTable.forPath(spark, erp.folder).optimize().executeCompaction()
    looked = [land(context()).tables[0] for _ in range(2)]
    assert looked[0].version == looked[1].version
    erp(3)
    for version in range(4):
        (Path(erp.folder) / "_delta_log" / f"{version:020d}.json").unlink()

    assert land(context()).tables[0].rows == 1
    assert tables.read(context(), ORDERS).count() == 5


def test_a_log_that_was_cut_is_no_reason_to_guess(context, erp, tmp_path):
    erp.begin("delta.checkpointInterval", "2")
    land(context())
    erp(3)
    erp(5)
    log = tmp_path / "lake" / "landing" / "shop" / FOLDER / "_delta_log"
    for version in range(3):  # what the checkpoint of version 2 makes needless
        (log / f"{version:020d}.json").unlink()

    error = refused(context(), "LS-2156")

    assert "version 2 is no longer in the log; 1 was landed last" in error.what


def test_a_file_that_is_gone_or_changed_is_refused(context, erp, tmp_path):
    land(context())
    folder = tmp_path / "lake" / "landing" / "shop" / FOLDER
    first = next(folder.glob("day=*/*.parquet"))
    whole = first.read_bytes()
    first.write_bytes(whole + b"!")
    assert "after it was landed" in refused(context(), "LS-2011").what
    first.write_bytes(whole)

    shutil.copytree(folder, tmp_path / "copy")
    erp(3)
    shutil.rmtree(folder / "day=2024-02-28")
    assert "is in the log and not in the folder" in refused(context(), "LS-2156").what


def test_a_folder_without_a_log_is_no_table(context, tmp_path):
    (tmp_path / "lake" / "landing" / "shop" / FOLDER).mkdir(parents=True)

    assert "is no Delta table" in refused(context(), "LS-2154").what


def test_a_pattern_or_an_arrival_is_not_for_a_table():
    with pytest.raises(ValueError, match="no \\{date\\}"):
        shop(path="erp/{date}")
    with pytest.raises(ValueError, match="known_at says"):
        shop(arrives={"days": 0, "time": "01:00", "zone": "UTC"})
