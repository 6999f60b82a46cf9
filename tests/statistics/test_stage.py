"""Tables are measured where they lie, once a version, and personal values stay where they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lepton_spark.errors import ConflictError, DataError
from lepton_spark.lake import file_plan, tables
from lepton_spark.lake.catalog import location
from lepton_spark.lake.files import list_files
from lepton_spark.lake.tables import Publication
from lepton_spark.quality.metrics import METRICS
from lepton_spark.statistics import stage
from lepton_spark.statistics.scan import scan_rows
from lepton_spark.statistics.stage import measure, recorded
from tests.statistics.test_subject import CONTRACTS, VISITS, case

pytestmark = pytest.mark.spark

CANARY = "Ada Lovelace 7f3c"
TABLE = str(VISITS)
ROWS = 3000


def publish(context, *, first=0, rows=ROWS, **changes):
    """Visits of which the last thousandth arrived after the moment of the case."""
    late = f"id >= {first + rows - rows // 1000}"
    frame = context.spark.range(first, first + rows, 1, 3).selectExpr(
        "cast(id as int) as visit",
        f"if(id % 3 = 0, null, '{CANARY}') as patient",
        "if(id % 10 = 0, null, cast(id % 60 as int)) as minutes",
        "date_add(date'2024-01-01', cast(id % 30 as int)) as day",
        "if(id % 4 = 0, 'a', concat('shop ', id % 5)) as shop",
        f"if({late}, timestamp'2024-03-09', timestamp'2024-02-01') as _arrived_at",
        "'file' as _file",
    )
    publication = Publication(VISITS, "refine", f"{first}", f"{first}", **changes)
    return tables.publish(context, frame, publication)


@pytest.fixture
def context(context_for):
    made = context_for(case(), contracts=CONTRACTS)
    publish(made, row_group_rows=700)
    return made


def profile_of(context, **changes):
    result = measure(replace(context, **changes))
    return result, recorded(context, result)[TABLE]


def test_what_arrived_in_time_is_measured_exactly_and_personal_values_are_nowhere(context):
    result, profile = profile_of(context)

    ids = np.arange(ROWS - 3)
    minutes = np.where(ids % 10 == 0, np.nan, ids % 60)
    assert profile["rows"] == len(ids)
    found = profile["columns"]
    assert list(found) == ["visit", "patient", "minutes", "day", "shop"]
    assert found["patient"] == {
        "kind": "guarded", "nulls": 1000 - 1, "null_rate": pytest.approx(999 / len(ids)),
    }  # fmt: skip
    assert found["minutes"]["nulls"] == np.isnan(minutes).sum()
    assert found["minutes"]["mean"] == pytest.approx(np.nanmean(minutes))
    assert found["minutes"]["deviation"] == pytest.approx(np.nanstd(minutes, ddof=1))
    assert found["minutes"]["quantile_0.5"] == pytest.approx(np.nanmedian(minutes), abs=1)
    assert found["shop"]["frequent"][0] == {"value": "a", "rows": 750}
    assert (found["day"]["min"], found["day"]["max"]) == ("2024-01-01", "2024-01-30")
    exact = np.corrcoef(ids[~np.isnan(minutes)], minutes[~np.isnan(minutes)])[0, 1]
    assert profile["correlations"] == [["visit", "minutes", pytest.approx(exact)]]
    assert result.tables[0].is_new
    folder = location(context.environment, METRICS)
    written = [Path(each.uri).read_bytes() for each in list_files(folder)]
    assert any(b"minutes" in content for content in written)
    assert not any(CANARY.encode() in content for content in written)


def test_a_version_is_measured_once_and_a_new_one_anew(context, monkeypatch):
    first, profile = profile_of(context)
    monkeypatch.setattr(stage, "scan_files", None)

    again, same = profile_of(context, run_id="r-again")

    assert (again.tables[0].is_new, same) == (False, profile)
    assert again.facts == first.facts
    less = replace(CONTRACTS["visits"], columns=CONTRACTS["visits"].columns[:-1])
    other = replace(context, contracts={"visits": less})
    with pytest.raises(ConflictError, match="revision"):
        measure(other)
    monkeypatch.undo()
    publish(context, first=ROWS)
    _, both = profile_of(context)
    assert both["rows"] == 2 * (ROWS - 3)


def test_files_that_may_not_be_read_are_measured_through_spark_alike(context, monkeypatch):
    _, from_files = profile_of(context)
    monkeypatch.setattr(file_plan, "_why_unfit", lambda *_: "a test says so")
    through_spark = []
    monkeypatch.setattr(
        stage, "scan_rows", lambda *given: through_spark.append(1) or scan_rows(*given)
    )

    later = {"as_of": context.as_of.replace(day=28), "run_id": "r-spark"}
    result = measure(replace(context, **later))
    found = recorded(context, result)[TABLE]

    assert through_spark
    assert found["rows"] == from_files["rows"]
    for name, column in from_files["columns"].items():
        same = found["columns"][name]
        exact = column.keys() & {"nulls", "distinct", "mean", "deviation", "min", "max"}
        assert {key: same[key] for key in exact} == pytest.approx({k: column[k] for k in exact})
        assert same.get("frequent") == column.get("frequent")
    assert found["correlations"][0][2] == pytest.approx(from_files["correlations"][0][2])


def test_a_table_without_rows_in_time_has_counts_and_one_never_made_is_told(context):
    early = replace(context, as_of=context.as_of.replace(month=1), run_id="r-early")

    _, profile = profile_of(early)

    assert profile["rows"] == 0
    assert profile["columns"]["minutes"]["nulls"] == 0
    with pytest.raises(DataError, match="does not exist"):
        measure(context, [f"gold.{context.case.case}_features"])
