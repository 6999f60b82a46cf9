"""Real public sets, from raw file to features, each by a case file alone; no row lost."""

from __future__ import annotations

import csv
import gzip
import os
import shutil
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F

from lepton_spark.bronze.stage import land
from lepton_spark.config.check import load_all
from lepton_spark.entities.stage import resolve
from lepton_spark.features.stage import build
from lepton_spark.lake import tables
from lepton_spark.silver.stage import refine

DATA = Path(__file__).parents[3] / "shared" / "data"
CONF = Path(__file__).parent / "conf"
pytestmark = [
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the public sets are not in {DATA}"),
]


@dataclass(frozen=True)
class Known:
    """What is known of a set: its last day, records a source, refused ones, rows of gold.

    Its folder is called as the case where none is named.
    Large ones take half a minute or more each, and run where LEPTON_ALL_SETS=1.
    """

    as_of: str
    records: dict[str, int]
    gold: int
    refused: int = 0
    is_large: bool = False
    folder: str | None = None


KNOWN = {
    "online_retail": Known("2011-12-10", {"lines": 541_909}, 541_909, is_large=True),
    "adult": Known("1994-03-02", {"people": 48_844}, 48_842, refused=2, is_large=True),
    "pima_diabetes": Known("1988-01-02", {"patients": 768}, 768),
    "taiwan_default": Known("2005-10-02", {"holders": 30_000}, 30_000),
    "movielens_100k": Known(
        "1998-04-24",
        {"viewers": 943, "films": 1682, "requests": 100_000, "ratings": 100_000},
        100_000,
        is_large=True,
    ),
    "cmapss_fd001": Known("2001-01-01", {"cycles": 20_631}, 20_631),
    "appliances_energy": Known("2016-05-28", {"readings": 19_735}, 19_735),
    "appliances_quantiles": Known(
        "2016-05-28", {"readings": 19_735}, 19_735, folder="appliances_energy", is_large=True
    ),
    "financial_phrasebank": Known("2014-01-02", {"phrases": 4_846}, 4_846),
    "physionet2012_set_a": Known(
        "2000-01-04", {"stays": 4_000, "vital_signs": 1_757_980}, 4_000, is_large=True
    ),
    "physionet2012_hours": Known(
        "2000-01-04",
        {"stays": 4_000, "vital_signs": 1_757_980},
        4_000,
        is_large=True,
        folder="physionet2012_set_a",
    ),
    "fashion_mnist": Known(
        "2017-08-26", {"labels": 10_000, "images": 10_000}, 10_000, is_large=True
    ),
    "fashion_shirts": Known(
        "2017-08-26",
        {"labels": 10_000, "images": 10_000},
        10_000,
        is_large=True,
        folder="fashion_mnist",
    ),
    "phrasebank_words": Known(
        "2014-01-02", {"phrases": 4_846}, 4_846, folder="financial_phrasebank"
    ),
    "neu_surface_defects": Known("2013-01-02", {"surfaces": 1_800}, 1_800),
    "entity_dblp_acm": Known(
        "2004-01-01", {"dblp": 2_616, "acm": 2_294}, 2_772, is_large=True
    ),
    "los_loop": Known(
        "2012-03-07", {"readings": 2_016 * 207, "roads": 207 * 207}, 2_016 * 207, is_large=True
    ),
    "assist2009": Known(
        "2013-12-31", {"questions": 325_637, "answers": 325_637}, 325_637, is_large=True
    ),
}  # fmt: skip


@pytest.fixture
def to_gold(tmp_path, context_for):
    """Run a case up to its features."""

    def run(name):
        loaded = load_all(CONF, name, "local")
        folder = tmp_path / "lake" / "landing" / name
        shutil.copytree(DATA / (KNOWN[name].folder or name), folder, copy_function=shutil.copyfile)
        context = context_for(loaded.case, KNOWN[name].as_of, contracts=loaded.contracts)
        landed, refined, _ = land(context), refine(context), resolve(context)
        return context, landed, refined, build(context, days="all")

    return run


def rows_of(context, layer, name=""):
    table = tables.TableId(layer, "_".join(filter(None, (context.case.case, name))))
    return tables.read(context, table)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_a_set_goes_from_raw_file_to_gold_with_no_row_lost(to_gold, name):
    known = KNOWN[name]
    if known.is_large and os.environ.get("LEPTON_ALL_SETS") != "1":
        pytest.skip("a large set: LEPTON_ALL_SETS=1 runs it")

    context, landed, refined, featured = to_gold(name)

    told = {source: facts["records"] for source, facts in landed.facts["sources"].items()}
    assert told == known.records
    refused = sum(facts["refused"] for facts in refined.facts["sources"].values())
    assert refused == known.refused, refined.facts
    assert featured.tables[0].rows == known.gold
    CHECKS.get(name, lambda _context: None)(context)


def retail(context):
    """Totals that are published of this set, to the last penny."""
    lines = rows_of(context, "silver", "lines")
    total, invoices, customers, nameless = lines.agg(
        F.sum("amount"),
        F.countDistinct("InvoiceNo"),
        F.countDistinct("CustomerID"),
        F.count_if(~F.col("has_customer")),
    ).first()
    assert round(total, 2) == Decimal("9747747.93")
    assert (invoices, customers, nameless) == (25_900, 4_372, 135_080)
    told = lines.agg(F.count_if("is_cancelled"), F.count_if("is_return")).first()
    assert tuple(told) == (9_288, 10_624)
    last_buyers(context, lines)


def last_buyers(context, lines):
    """Invoices and items of the customers of the last day, counted over its 28 days."""
    last = lines.agg(F.max("day")).first()[0]
    recent = lines.filter(F.col("day") > F.date_sub(F.lit(last), 28))
    counted = recent.groupBy("CustomerID").agg(
        F.countDistinct("InvoiceNo").alias("invoices"), F.countDistinct("StockCode").alias("codes")
    )
    key = ["day_file", "line"]
    gold = rows_of(context, "gold", "features").filter(F.col("day") == F.lit(last))
    asked = gold.join(lines.select(*key, "CustomerID"), key, how="inner")
    both = asked.join(counted, "CustomerID", how="inner")
    named = "lines_baskets_by_CustomerID_28d"
    wrong = both.filter(
        (F.col(f"{named}_number") != F.col("invoices"))
        | (F.col(f"{named}_items") != F.col("codes"))
    )
    assert both.count() > 100
    assert wrong.count() == 0


def income(context):
    people = rows_of(context, "silver", "people")
    counts = dict(people.groupBy("part").agg(F.count_if(F.col("income") == ">50K")).collect())
    assert counts == {"train.csv.gz": 7_841, "test.csv.gz": 3_846}
    assert people.filter(F.col("workclass").isNull()).count() == 2_799


def sentinels(context):
    patients = rows_of(context, "silver", "patients")
    names = ("glucose", "pressure", "skin", "insulin", "mass")
    found = patients.agg(*(F.count_if(F.col(name).isNull()) for name in names)).first()
    assert tuple(found) == (5, 35, 227, 374, 11)


def phrases(context):
    counts = dict(rows_of(context, "silver", "phrases").groupBy("label").count().collect())
    assert counts == {"neutral": 2_879, "positive": 1_363, "negative": 604}


def stays(context):
    ill = rows_of(context, "silver", "stays").filter("`In_hospital_death` = 1").count()
    assert ill == 554


def garments(context):
    images = rows_of(context, "silver", "images")
    assert images.groupBy("garment").count().filter("count <> 1000").count() == 0
    assert {row[0] for row in images.select(F.length("pixels")).distinct().collect()} == {784}


def surfaces(context):
    counts = rows_of(context, "silver", "surfaces").groupBy("defect", "width", "height").count()
    assert [tuple(row)[1:] for row in counts.collect()] == [(200, 200, 300)] * 6


def papers(context):
    """Pairs of both bibliographies, against the mapping that no stage has read."""
    members = rows_of(context, "silver", "papers_members")
    found = members.groupBy("papers_id").pivot("source", ["dblp", "acm"])
    pairs = found.agg(F.first(F.col("key")["id"])).dropna().select("dblp", "acm").collect()
    mapping = DATA / "entity_dblp_acm" / "DBLP-ACM_perfectMapping.csv"
    true = {tuple(row) for row in csv.reader(mapping.read_text().splitlines()[1:])}
    right = len(true.intersection(map(tuple, pairs)))
    assert len(true) == 2_224
    precision, recall = right / len(pairs), right / len(true)
    f1 = 2 * precision * recall / (precision + recall)
    assert f1 >= 0.975, (precision, recall, f1)


def hours(context):
    """Each value, mask and gap of three variables, against pandas over the raw file."""
    raw = pd.read_csv(DATA / "physionet2012_set_a" / "set-a_long.csv.gz")
    raw = raw[(raw["Value"] != -1) & (raw["Time"] < "48:00")]
    raw["hour"] = raw["Time"].str[:2].astype(int)
    gold = rows_of(context, "gold", "features")
    assert len([name for name in gold.columns if name.startswith("vital_signs_48x1h_")]) == 3 * 37
    for variable in ("HR", "Temp", "Weight"):
        names = [f"vital_signs_48x1h_{variable}_mean{part}" for part in ("", "_mask", "_gap")]
        found = gold.select("RecordID", *names).toPandas().set_index("RecordID").sort_index()
        values, mask, gap = (
            np.array([list(each) for each in found[name]], float) for name in names
        )
        means = raw[raw["Parameter"] == variable].groupby(["RecordID", "hour"])["Value"].mean()
        wanted = means.unstack().reindex(index=found.index, columns=range(48)).to_numpy()
        assert values.shape == (4_000, 48)
        assert np.array_equal(mask == 1, ~np.isnan(wanted))
        assert np.allclose(values, wanted, rtol=1e-6, equal_nan=True)
        # As the paper defines it, step by step.
        told = np.zeros(4_000)
        for hour in range(48):
            assert np.array_equal(gap[:, hour], told)
            told = np.where(mask[:, hour] == 1, 1, 1 + told)


def speeds(context):
    """The cells of both matrices, as NumPy reads them."""
    readings, roads = rows_of(context, "silver", "readings"), rows_of(context, "silver", "roads")
    wide = np.genfromtxt(DATA / "los_loop" / "los_speed.csv.gz", delimiter=",", skip_header=1)
    near = np.genfromtxt(DATA / "los_loop" / "los_adj.csv", delimiter=",")
    assert wide.shape == (2_016, 207)
    by_line = readings.groupBy("line").agg(F.sum("speed").alias("sum")).orderBy("line").collect()
    assert np.allclose([row["sum"] for row in by_line], wide.sum(axis=1), rtol=1e-12)
    by_sensor = readings.groupBy("sensor").agg(F.sum("speed").alias("sum")).collect()
    assert np.allclose(
        sorted(row["sum"] for row in by_sensor), np.sort(wide.sum(axis=0)), rtol=1e-12
    )
    first, last = readings.agg(F.min("read_at"), F.max("read_at")).first()
    assert (last - first).total_seconds() == 2_015 * 300
    links = {(r["place"], r["neighbour"]): r["nearness"] for r in roads.collect()}
    assert all(links[i + 1, j + 1] == near[i, j] for i in range(207) for j in range(207))


def answers(context):
    given = rows_of(context, "silver", "answers")
    students = given.groupBy("part", "line").agg(
        F.count("*").alias("n"), F.max("step").alias("last"), F.max("number").alias("said")
    )
    assert students.count() == 4_151
    assert students.filter("n <> said or last <> said").count() == 0
    right = {
        row["part"]: row["right"]
        for row in given.groupBy("part").agg(F.sum("correct").alias("right")).collect()
    }
    for part, number in right.items():
        text = gzip.decompress((DATA / "assist2009" / part).read_bytes()).decode()
        assert number == sum(line.count("1") for line in text.splitlines()[2::3])


CHECKS = {
    "physionet2012_hours": hours,
    "los_loop": speeds,
    "assist2009": answers,
    "online_retail": retail,
    "adult": income,
    "pima_diabetes": sentinels,
    "financial_phrasebank": phrases,
    "physionet2012_set_a": stays,
    "fashion_mnist": garments,
    "neu_surface_defects": surfaces,
    "entity_dblp_acm": papers,
}


@pytest.mark.parametrize("path", sorted((CONF / "cases").glob("*.yml")), ids=lambda path: path.stem)
def test_a_case_needs_no_more_than_sixty_lines(path):
    assert len(path.read_text().splitlines()) <= 60
