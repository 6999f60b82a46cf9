"""Bad cells and lines: each row is good, or in quarantine with its reason; none is lost."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lepton_spark.bronze.arrivals import ALWAYS, LandedFile
from lepton_spark.bronze.header import Promised
from lepton_spark.bronze.layout import Layout, Stamp
from lepton_spark.bronze.reader import read
from lepton_spark.config.format import Csv, Json, Parquet
from lepton_spark.errors import DataError
from lepton_spark.features.stage import build
from lepton_spark.lake import tables
from lepton_spark.lake.tables import TableId
from lepton_spark.quality.accounting import Tally, require_few_refused
from lepton_spark.quality.hints import hint_of
from tests.faults.bad_data import (
    CANARY,
    CELLS,
    CELLS_CASE,
    CELLS_CONTRACT,
    HEADER,
    demand,
    facts_of,
    line,
    text,
)
from tests.small_lake import QUARANTINE, SmallLake

pytestmark = [pytest.mark.fault]

NFC, NFD = "\u00e9", "e\u0301"
ODD = "zero\u200bwidth \u202ertl \U0001f600"
HUGE = "h" * (8 * 1024 * 1024)
FORMULAS = ("=HYPERLINK(1)", "+1", "@x", "\t=1")
MARKUP = ("<script>alert(1)</script>", '"><img onerror=alert(1)>')
SKEWED = [line(id=42)] * 900 + [line(id=4200 + n) for n in range(100)]
FILES: dict[str, str | bytes] = {
    "A9": text(line(id=9), "9,A"),
    "A10": text(line(id=10) + ",more,cells", line(id=10)),
    "A11": text(line(id=11)[: -len(CANARY)] + '"open', line(id=1101), line(id=1102)),
    "A12": text("", "," * (len(CELLS) - 1), line(id=12)),
    "A13": "\ufeff" + text(line(id=13)),
    "A14": text(line(id=14, note="caf\u00e9"), line(id=1401)).encode("latin-1"),
    "A16-lf": text(line(id=16, site="lf"), line(id=1601, site="lf")),
    "A16-crlf": text(line(id=16, site="crlf"), line(id=1601, site="crlf"), end="\r\n"),
    "A16-cr": text(line(id=16, site="cr"), line(id=1601, site="cr"), end="\r"),
    "A16-mixed": f"{HEADER}\r\n{line(id=16, site='mixed')}\r{line(id=1601, site='mixed')}\n",
    "A17": text(line(id=17)).replace(HEADER, HEADER.upper()),
    "A21": "\n".join(",".join(reversed(each.split(","))) for each in (HEADER, line(id=21))),
    "A23": text(line(id=23, whole="abc"), line(id=2301)),
    "A24": text(line(id=24, whole=2**31), line(id=2401, amount="1e400")),
    "A25": text(line(id=25, amount="1,5"), line(id=2501, amount="1.000,00")),
    "A26": text(
        *(line(id=26, amount=wild) for wild in ("NaN", "Inf", "-Inf")),
        line(id=2601, level="-0.0"),
        line(id=2601, level="0.0"),
        line(id=2602, level="NaN"),
    ),
    "A27": text(*(line(id=27, day=day) for day in ("2023-02-29", "2024-02-30", "0000-00-00"))),
    "A28": text(
        line(id=28, site="leap", happened_at="2024-02-29T01:00:00Z"),
        line(id=2801, site="leap", happened_at="2024-02-29T12:00:00Z"),
        line(id=2802, site="leap", day="2025-02-28"),
    ),
    "A29": text(line(id=29, day="10000-01-01"), line(id=2901, day="0001-01-01")),
    "A30": text(
        line(id=30, wall="2024-03-10 02:30"),
        line(id=3001, wall="2024-11-03 01:30"),
        line(id=3002, happened_at="2024-03-10T02:30:00"),
        line(id=3003, wall="2024-03-10 03:30"),
    ),
    "A32": text(line(id=32, site=""), line(id="", site="A")),
    "A33": text(line(id=33), line(id=33)),
    "A34": text(line(id=34, whole=1), line(id=34, whole=3), line(id=34, whole=2)),
    "A35": text(
        line(id=35, site=NFC),
        line(id=35, site=NFD),
        line(id=3501, label=NFC),
        line(id=3501, label=NFD),
        line(id=3502, label="\uff41"),
        line(id=3502, label="a"),
    ),
    "A36": text(line(id=36, note=ODD), line(id=3601, note="a\0b")).encode()
    + line(id=3602, note="@").encode().replace(b"@", b"\xed\xa0\x80"),
    "A37": text(*(line(id=3700 + n, note=note) for n, note in enumerate(FORMULAS))),
    "A38": text(*(line(id=3800 + n, note=note) for n, note in enumerate(MARKUP))),
    "A39": text(line(id=39, note=HUGE), line(id=3901)),
    "A42": text(*SKEWED),
    "A44": text(
        line(id=44, site="future", happened_at="2030-01-01T00:00:00Z"),
        line(id=4401, site="future", day="2025-02-28"),
    ),
}
# Lines of each file that are refused or lose, with their reason; all others are good.
EXPECTED: dict[str, list[tuple[int, str]]] = {
    "A9": [(3, "short_row")],
    "A10": [(2, "long_row")],
    "A11": [(2, "unclosed_quote")],
    "A12": [(2, "all_null_key"), (3, "all_null_key")],
    "A13": [],
    "A14": [(2, "bad_encoding")],
    "A16-lf": [],
    "A16-crlf": [],
    "A16-cr": [],
    "A16-mixed": [],
    "A17": [],
    "A21": [],
    "A23": [(2, "not_int:whole")],
    "A24": [(2, "out_of_range:whole"), (3, "out_of_range:amount")],
    "A25": [(2, "not_number:amount"), (3, "not_number:amount")],
    "A26": [
        *((row, "not_finite:amount") for row in (2, 3, 4)),
        (5, "exact_duplicate"),
        (7, "not_finite:level"),
    ],
    "A27": [(row, "bad_date:day") for row in (2, 3, 4)],
    "A28": [],
    "A29": [(2, "date_out_of_range:day"), (3, "date_out_of_range:day")],
    "A30": [
        (2, "nonexistent_time:local_at"),
        (3, "ambiguous_time:local_at"),
        (4, "ambiguous_time:happened_at"),
    ],
    "A32": [(2, "null_key:site"), (3, "null_key:id")],
    "A33": [(2, "exact_duplicate")],
    "A34": [(2, "older_duplicate"), (3, "older_duplicate")],
    "A35": [(4, "exact_duplicate"), (6, "exact_duplicate")],
    "A36": [(3, "nul_character"), (4, "bad_encoding")],
    "A37": [],
    "A38": [],
    "A39": [(2, "cell_too_large")],
    "A42": [(row, "exact_duplicate") for row in range(2, 901)],
    "A44": [],
}


@dataclass
class Refined:
    """What became of all files, collected once."""

    lake: SmallLake
    facts: dict[str, Any]
    landed: Counter[str]
    good: dict[str, list[Any]]
    bad: dict[str, list[tuple[int, str, list[str]]]]
    warnings: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def refined(spark, tmp_path_factory):
    """All files landed and refined together."""
    folder = tmp_path_factory.mktemp("cells")
    lake = SmallLake(spark, folder, CELLS_CASE, {"cells": CELLS_CONTRACT}, as_of="2025-02-28")
    for name, content in FILES.items():
        lake.put(f"cells/{name}.csv", content)
    told = Told()
    logging.getLogger("lepton_spark").addHandler(told)
    result = lake.ingest()
    logging.getLogger("lepton_spark").removeHandler(told)
    context = lake.context()
    bronze = tables.read(context, lake.table("bronze", "cells")).groupBy("_file").count()
    made = Refined(
        lake,
        facts_of(result, "cells"),
        Counter({id_of(row["_file"]): row["count"] for row in bronze.collect()}),
        {name: [] for name in FILES},
        {name: [] for name in FILES},
        told.messages,
    )
    for row in tables.read(context, lake.table("silver", "cells")).orderBy("_row").collect():
        made.good[id_of(row["_file"])].append(row)
    for row in tables.read(context, QUARANTINE).orderBy("row").collect():
        made.bad[id_of(row["file"])].append((row["row"], row["severity"], row["reasons"]))
        assert CANARY not in str(row)
    return made


class Told(logging.Handler):
    """Remembers what is logged."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


def id_of(file):
    return file.removeprefix("cells/").removesuffix(".csv")


@pytest.mark.spark
@pytest.mark.parametrize("name", FILES)
def test_each_row_is_good_or_in_quarantine_with_its_reason(refined, name):
    bad = refined.bad[name]

    assert [(row, reasons[0]) for row, _, reasons in bad] == EXPECTED[name]
    for _, severity, reasons in bad:
        assert len(reasons) == 1
        assert hint_of(reasons[0])
        assert severity == ("duplicate" if "duplicate" in reasons[0] else "refused")
    assert refined.landed[name] == len(refined.good[name]) + len(bad) > 0


@pytest.mark.spark
def test_all_rows_are_accounted_for_by_reason(refined):
    facts = refined.facts

    assert facts["rows"] == sum(refined.landed.values())
    assert facts["rows"] == facts["good"] + facts["refused"] + facts["duplicates"]
    expected = Counter(reason for rows in EXPECTED.values() for _, reason in rows)
    assert facts["reasons"] == dict(
        sorted(expected.items(), key=lambda pair: (-pair[1], pair[0]))[:20]
    )
    assert CANARY not in str(facts) + str(refined.warnings)


@pytest.mark.spark
def test_a13_a16_a17_a21_the_form_of_a_file_does_not_change_its_rows(refined):
    plain = refined.good["A13"][0].asDict()
    for name in ("A16-lf", "A16-crlf", "A16-cr", "A16-mixed", "A17", "A21"):
        for row in refined.good[name]:
            own = {"id", "site"} | {key for key in plain if key.startswith("_")}
            assert {k: v for k, v in row.asDict().items() if k not in own} == {
                k: v for k, v in plain.items() if k not in own
            }
    assert {len(refined.good[f"A16-{end}"]) for end in ("lf", "crlf", "cr", "mixed")} == {2}


@pytest.mark.spark
def test_a11_no_line_is_swallowed(refined):
    assert [row["id"] for row in refined.good["A11"]] == [1101, 1102]


@pytest.mark.spark
def test_a26_negative_zero_is_zero(refined):
    assert [str(row["level"]) for row in refined.good["A26"]] == ["0.0"]


@pytest.mark.spark
def test_a34_the_last_row_of_a_key_wins(refined):
    assert [row["whole"] for row in refined.good["A34"]] == [2]


@pytest.mark.spark
def test_a35_spellings_are_two_values_unless_normalised(refined):
    assert [row["site"] for row in refined.good["A35"][:2]] == [NFC, NFD]
    assert [row["label"] for row in refined.good["A35"][2:]] == [NFC, "a"]


@pytest.mark.spark
def test_a36_a37_a38_text_is_kept_to_the_letter(refined):
    assert [row["note"] for row in refined.good["A36"]] == [ODD]
    assert [row["note"] for row in refined.good["A37"]] == list(FORMULAS)
    assert [row["note"] for row in refined.good["A38"]] == list(MARKUP)


@pytest.mark.spark
def test_a42_a_key_with_most_rows_is_told_by_its_hash(refined):
    largest = refined.facts["largest_key"]

    assert largest["rows"] == 900
    assert largest["share"] == round(900 / refined.facts["rows"], 3)
    [warning] = [each for each in refined.warnings if "have one key" in each]
    assert largest["key_hash"] in warning


@pytest.mark.spark
def test_a28_a44_windows_count_leap_days_and_nothing_of_the_future(refined):
    context = refined.lake.context()
    build(context, days="one")

    rows = tables.read(context, TableId("gold", "cells_features")).collect()
    counts = {
        row["id"]: [row[name] for name in sorted(row.asDict()) if "36" in name] for row in rows
    }
    assert counts == {2802: [1, 2], 4401: [0, 0]}
    assert len(refined.good["A44"]) == 2


def found_in(tmp_path, name, content, form, *names):
    """Rows as the reader of landing gives them, in this process."""
    path = tmp_path / name
    path.write_bytes(content)
    file = LandedFile(name, str(path), len(content), ALWAYS, ALWAYS)
    layout = Layout(tuple(Promised(each, "string", each) for each in names), form)
    batches = list(read(file, layout, Stamp("r-1", ALWAYS)))
    return pa.Table.from_batches(batches, layout.schema).to_pylist()


def test_a17_a_name_in_another_case_is_accepted_with_a_warning(tmp_path, caplog):
    rows = found_in(tmp_path, "a.csv", b"Amount\n1\n", Csv(), "amount")

    assert [row["amount"] for row in rows] == ["1"]
    assert "a.csv: column amount is written in another case" in caplog.text


def test_a39_a_huge_array_in_json_and_a_huge_text_in_parquet_are_no_cells(tmp_path):
    array = b'{"id": 1, "items": [' + b",".join([b"1"] * 1_000_000) + b"]}\n{" + b'"id": 2}\n'
    pq.write_table(
        pa.table({"id": ["1", "2"], "items": [HUGE, "small"]}), tmp_path / "huge.parquet"
    )
    stored = (tmp_path / "huge.parquet").read_bytes()

    for rows in (
        found_in(tmp_path, "a.jsonl", array, Json(), "id", "items"),
        found_in(tmp_path, "a.parquet", stored, Parquet(), "id", "items"),
    ):
        assert [row["_problem"] for row in rows] == ["cell_too_large", None]
        assert [row["id"] for row in rows] == ["1", "2"]
        assert rows[0]["items"] is None
    assert "1,048,576" in hint_of("cell_too_large")


def test_a14_a25_the_error_for_too_many_of_them_says_what_mends_it():
    for reason, hint in (("bad_encoding", "encoding: latin-1"), ("not_number:x", "decimal: ','")):
        counted = Tally({"a": 5}, {"a": 5}, 5, 0, {reason: 5})
        with pytest.raises(DataError) as raised:
            require_few_refused("cells", counted, 0.05, "silver.cells is at version 3")
        demand(raised.value, "LS-2041", "5 of 10 new rows are refused, 50.0%", hint, "version 3")
