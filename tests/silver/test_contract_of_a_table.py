"""Contracts that promise something of the whole table: one bad night against six good ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from shutil import copytree

import pytest
from pyspark.sql import functions as F

from lepton_spark.bronze.arrivals import LandedFile
from lepton_spark.bronze.landed import as_fact
from lepton_spark.config.case import Case
from lepton_spark.config.contract import Column, Contract
from lepton_spark.config.table_rules import Compared, Counted, Filled, Fresh, Limit, TableRules
from lepton_spark.context import RunContext
from lepton_spark.errors import DataError
from lepton_spark.lake import tables
from lepton_spark.lake.tables import Publication, TableId
from lepton_spark.quality.metrics import METRICS
from lepton_spark.silver.stage import refine
from tests.conftest import TINY_CASE, Silent, environment_at

pytestmark = pytest.mark.spark

BRONZE, VISITS = TableId("bronze", "desk_visits"), TableId("silver", "desk_visits")
COLUMNS = (
    Column("visit", "integer", required=True),
    Column("shop", "string"),
    Column("price", "number"),
    Column("desk", "string"),
    Column("note", "string"),
    Column("seen", "date"),
)
CASE = Case.model_validate(
    {
        **TINY_CASE,
        "case": "desk",
        "predict": {**TINY_CASE["predict"], "day": "seen"},
        "sources": {"visits": {**TINY_CASE["sources"]["visits"], "max_refused": 0.05}},
    }
)
GOOD_DAYS = [date(2024, 2, day) for day in range(1, 7)]
BAD_DAY, LATE = date(2024, 2, 7), date(2024, 3, 17)
NEAR = {"days": 7, "within": 0.2, "min_rows": 4}
RULES = TableRules(
    compared=(
        Compared(measure="volume", **NEAR),
        Compared(measure="median", column="price", **NEAR),
        Compared(measure="null_rate", column="price", by=("shop",), **NEAR),
        Compared(measure="share", column="shop", **NEAR),
    ),
    filled=(
        Filled(column="desk", varies=True, min_rows=2),
        Filled(column="note", varies=False, min_rows=2),
    ),
    counted=(Counted(counts="rows", limit=Limit("mustBeGreaterThan", 15, 15)),),
    fresh=(Fresh(column="seen", at_most=timedelta(days=1), is_date=True),),
)


def good_night(day):
    """Forty rows; shop A, B, C, D in turn; prices from 10 to 14; no price is missing."""
    return [
        (str(n), "ABCD"[n % 4], str(10 + n % 5), "xy"[n % 2], "n", day.isoformat())
        for n in range(40)
    ]


def bad_night(day):
    """Twelve rows in cents; no price in shop B; one desk; no note; two visits without a number."""
    shops = "AAAAAABBBBCC"
    prices = [str(1000 + 100 * (n % 5)) if shop != "B" else "" for n, shop in enumerate(shops)]
    numbers = [str(n) if n < 10 else "x" for n in range(12)]
    return [
        (number, shop, price, "x", "", day.isoformat())
        for number, shop, price in zip(numbers, shops, prices, strict=True)
    ]


@pytest.fixture(scope="module")
def lake(spark, tmp_path_factory):
    """Six good nights refined at once; the bad one has landed and is not refined."""
    lake = Lake(spark, tmp_path_factory.mktemp("desk") / "lake")
    lake.land({day: good_night(day) for day in GOOD_DAYS})
    refine(lake.context(GOOD_DAYS[-1], RULES))
    lake.land({BAD_DAY: bad_night(BAD_DAY)})
    return lake


class Lake:
    def __init__(self, spark, folder):
        self.spark, self.folder, self.environment = spark, folder, environment_at(folder)

    def copy(self, folder):
        return Lake(self.spark, copytree(self.folder, folder))

    def context(self, as_of, rules, case=CASE):
        contract = Contract("visits", COLUMNS, "visits", rules)
        return RunContext(
            self.spark, case, self.environment, Silent(), f"r-{as_of.day:016x}", as_of,
            datetime.now(UTC), contracts={"visits": contract},
        )  # fmt: skip

    def land(self, nights):
        rows, files, counts = [], [], {}
        for day, cells in nights.items():
            path, at = f"visits/{day}.csv", datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
            files.append(LandedFile(path, "", 0, at, at))
            counts[path] = (len(cells), "sha")
            for number, row in enumerate(cells, start=2):
                count = len(cells) if number == len(cells) + 1 else None
                rows.append((*row, None, path, number, count, "sha", at, "r-1"))
        names = ", ".join(f"{column.name} string" for column in COLUMNS)
        schema = (
            f"{names}, _problem string, _file string, _row bigint, _records bigint,"
            " _sha256 string, _arrived_at timestamp, _run_id string"
        )
        key = f"{min(nights)}"
        frame = self.spark.createDataFrame(rows, schema).coalesce(1)
        context = self.context(BAD_DAY, TableRules())
        facts = as_fact(files, counts)
        tables.publish(context, frame, Publication(BRONZE, "land", key, key, facts=facts))

    def state(self):
        """The version and the checksum of silver, and the version of the metrics."""
        context = self.context(BAD_DAY, TableRules())
        rows = tables.read(context, VISITS)
        checksum = rows.agg(F.sum(F.xxhash64(*rows.columns).cast("decimal(38,0)"))).first()[0]
        metrics = tables.current_version(context, METRICS)
        return tables.current_version(context, VISITS), checksum, metrics


def refusal(lake, as_of=BAD_DAY, case=CASE, **rules):
    """The error of a night whose contract has some rules; nothing is published by it."""
    before = lake.state()
    with pytest.raises(DataError) as error:
        refine(lake.context(as_of, TableRules(**rules), case))
    assert lake.state() == before
    assert error.value.exit_code == 20
    assert f"{VISITS} is still at version {before[0]}" in error.value.state
    return error.value


def tolerant(max_refused):
    source = CASE.sources["visits"].model_copy(update={"max_refused": max_refused})
    return CASE.model_copy(update={"sources": {"visits": source}})


def test_b1_too_many_refused_rows(lake):
    error = refusal(lake)

    assert error.code == "LS-2041"
    assert "2 of 12 new rows are refused, 16.7% (not_int:visit 2)" in error.what
    assert "such as visits/2024-02-07.csv:12 (row id " in error.what


def test_b2_far_fewer_rows_than_on_other_days(lake):
    error = refusal(lake, case=tolerant(1), compared=RULES.compared[:1])

    assert error.code == "LS-2100"
    assert "visits: 10 rows on 2024-02-07, expected 32-48." in error.what
    assert "the median of the 6 days before is 40" in error.why


def test_b3_values_in_another_unit(lake):
    error = refusal(lake, case=tolerant(1), compared=RULES.compared[1:2])

    assert error.code == "LS-2101"
    told = "the median of price on 2024-02-07 is 95.83 times that of the 6 days before"
    assert f"{told}; it looks like cents." in error.what


def test_b4_nulls_in_one_slice(lake):
    error = refusal(lake, case=tolerant(1), compared=RULES.compared[2:3])

    assert error.code == "LS-2102"
    told = "the null rate of price for shop=B on 2024-02-07 is 100.0%, expected at most 20.0%"
    assert told in error.what


def test_b5_a_constant_column(lake):
    error = refusal(lake, case=tolerant(1), filled=RULES.filled[:1])

    assert (error.code, error.what) == (
        "LS-2103", "visits: desk is constant, the same in all 10 rows of 2024-02-07.",
    )  # fmt: skip


def test_b6_a_column_without_any_value(lake):
    error = refusal(lake, case=tolerant(1), filled=RULES.filled[1:])

    assert (error.code, error.what) == (
        "LS-2104", "visits: note is null in all 10 rows of 2024-02-07.",
    )  # fmt: skip


def test_another_mix_of_categories_and_a_number_of_rows(lake):
    shares = replace(RULES.compared[3], within=0.3)

    error = refusal(lake, case=tolerant(1), compared=(shares,), counted=RULES.counted)

    assert (error.code, error.what) == (
        "LS-2105",
        "visits: the share of shop of A on 2024-02-07 is 60.0%, expected 0.0%-55.0%."
        "\n  Also: 10 rows on 2024-02-07, expected more than 15.",
    )


def test_a_table_whose_newest_rows_are_old_is_stale(lake):
    error = refusal(lake, as_of=LATE, case=tolerant(1), fresh=RULES.fresh)

    assert error.code == "LS-2107"
    assert "the newest seen is 39.0 days old at 2024-03-17 02:00 UTC" in error.what


def test_what_was_planned_for_a_later_day_is_fresh_when_that_day_comes(spark, tmp_path):
    lake, rules = Lake(spark, tmp_path / "plans"), TableRules(fresh=RULES.fresh)
    first, second, _, last = GOOD_DAYS[:4]
    planned = ("40", "A", "10", "x", "n", second.isoformat())
    lake.land({first: [*good_night(first), planned]})
    refine(lake.context(first, rules))

    assert refine(lake.context(second, rules)).facts["sources"] == {}
    assert "is 2.0 days old" in refusal(lake, as_of=last, fresh=RULES.fresh).what


def test_a_warning_is_told_and_nothing_is_refused(lake, tmp_path):
    """The bad night is published; after it nothing new comes, which is not fresh."""
    lake = lake.copy(tmp_path / "lake")
    soft = [replace(rule, severity="warning") for rule in (*RULES.compared, *RULES.filled)]
    rules = TableRules(compared=tuple(soft[:4]), filled=tuple(soft[4:]))

    result = refine(lake.context(BAD_DAY, rules, tolerant(1)))

    told = result.facts["sources"]["visits"]["warnings"]
    assert {each[:7] for each in told} == {
        "LS-2100", "LS-2101", "LS-2102", "LS-2103", "LS-2104", "LS-2105",
    }  # fmt: skip
    assert result.facts["sources"]["visits"]["good"] == 10
    metrics = tables.read(lake.context(BAD_DAY, rules), METRICS).filter("part is null")
    days = {row["day"]: row["value"] for row in metrics.filter("name = 'rows'").collect()}
    assert days == {**dict.fromkeys(GOOD_DAYS, 40.0), BAD_DAY: 10.0}

    error = refusal(lake, as_of=LATE, case=tolerant(1), fresh=RULES.fresh)
    assert (error.code, "the newest seen is 39.0 days old" in error.what) == ("LS-2107", True)
