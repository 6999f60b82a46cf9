"""What workers do, without Spark: files are read, measured, and what was found is added up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lepton_spark.dataset.shards import whole
from lepton_spark.errors import DataError, EnvironmentFault
from lepton_spark.quality.profile.kind import Kind
from lepton_spark.statistics.work import COLUMNS_AT_ONCE, PAIRS, Wanted, added_up, measured, read

MOMENT, LATE = (datetime(2024, 3, day, tzinfo=UTC) for day in (2, 3))
KINDS = {"x": Kind.NUMBER, "y": Kind.NUMBER, "note": Kind.TEXT, "patient": Kind.GUARDED}
WANTED = Wanted(KINDS, ("x", "y"), "_arrived_at", MOMENT)
GROUP_ROWS = 100


@pytest.fixture
def pieces(tmp_path):
    """The row groups of two files of 250 rows each; every tenth row came late."""
    found = []
    for number in range(2):
        x = np.arange(250) + 250 * number
        rows = pa.table({
            "_arrived_at": pa.array([LATE if each % 10 == 0 else MOMENT for each in x],
                                    pa.timestamp("us", "UTC")),
            "patient": ["Ada Lovelace"] * 250,
            "x": x,
            "y": pa.array(-2.0 * x, mask=x % 7 == 0),
            "note": [f"note {each % 3}" for each in x],
        })  # fmt: skip
        path = str(tmp_path / f"{number}.parquet")
        pq.write_table(rows, path, row_group_size=GROUP_ROWS)
        found += [whole(path, 0, 100), whole(path, 1, 100), whole(path, 2, 50)]
    return found


def results(tasks, wanted=WANTED):
    """The measurements by column and the pairs, after tasks of some pieces."""
    parts = [
        batch
        for number, pieces in enumerate(tasks)
        for names in wanted.groups
        for batch in measured(read(pieces, names, wanted), names, wanted, number)
    ]
    ordered = sorted(parts, key=lambda part: (part["place"][0].as_py(), part["task"][0].as_py()))
    names = {PAIRS: "pairs", **dict(enumerate(wanted.kinds))}
    return {
        names[batch["place"][0].as_py()]: json.loads(batch["result"][0].as_py())
        for batch in added_up(ordered, wanted)
    }


def value(found, column, name):
    return next(each[1] for each in found[column]["measurements"] if each[0] == name)


def test_rows_that_were_known_in_time_are_measured_and_no_others(pieces):
    found = results([pieces[:2], pieces[2:]])

    kept = np.array([each for each in range(500) if each % 10])
    assert {found[name]["rows"] for name in KINDS} == {len(kept)}
    assert value(found, "x", "mean") == pytest.approx(kept.mean())
    assert value(found, "y", "nulls") == sum(kept % 7 == 0)
    assert value(found, "note", "distinct") == 3
    assert [each[0] for each in found["patient"]["measurements"]] == ["nulls", "null_rate"]
    assert found["pairs"]["pairs"] == [[0, 1, pytest.approx(-1.0)]]


def test_the_same_tasks_give_the_same_to_the_bit_and_others_the_same_counts(pieces):
    tasks = [pieces[:1], pieces[1:4], pieces[4:]]

    one, other = results(tasks), results([pieces])

    assert results(tasks) == one
    for name in ("nulls", "distinct", "min", "max", "quantile_0.5", "frequency"):
        assert value(one, "x", name) == value(other, "x", name)


def test_a_day_may_say_when_a_row_was_known(tmp_path):
    days = [date(2024, 3, 1), date(2024, 3, 2), None]
    path = str(tmp_path / "days.parquet")
    pq.write_table(pa.table({"x": [1, 2, 3], "_as_of": days}), path)
    wanted = Wanted({"x": Kind.NUMBER}, (), "_as_of", date(2024, 3, 1))

    found = results([[whole(path, 0, 3)]], wanted)

    assert (found["x"]["rows"], value(found, "x", "max")) == (1, 1.0)


def test_many_columns_are_read_in_groups_and_correlated_ones_together():
    kinds = {f"t{place}": Kind.TEXT for place in range(300)} | {"x": Kind.NUMBER, "y": Kind.NUMBER}

    groups = replace(WANTED, kinds=kinds).groups

    assert [len(group) for group in groups] == [COLUMNS_AT_ONCE, 102]
    assert groups[0][:2] == ["x", "y"]
    assert {name for group in groups for name in group} == kinds.keys()


def test_a_file_that_is_not_as_planned_is_refused(pieces):
    with pytest.raises(DataError, match="planned were 99"):
        results([[replace(pieces[0], rows=99, group_rows=99)]])
    with pytest.raises(EnvironmentFault, match="is gone"):
        results([[replace(pieces[0], path="/nowhere/x.parquet")]])
