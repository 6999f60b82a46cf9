"""Files that were read by settings which are no longer those of their source."""

from __future__ import annotations

import pytest

from lepton_spark.bronze.settings import num_read_otherwise, read_by, tell_read_otherwise
from lepton_spark.config.format import Csv, FixedWidth, Json
from lepton_spark.lake.marker import Marker


def mark(settings=None, **facts):
    told = {} if settings is None else read_by(settings)
    return Marker(0, "r-1", "land", "key", "print", 0, 1, "0.1.0", {**told, **facts})


@pytest.mark.parametrize(
    "changed", [{"encoding": "latin-1"}, {"delimiter": ";"}, {"quote": None}, {"trim": True}]
)
def test_files_that_were_read_by_other_settings_are_counted(changed):
    marks = [mark(Csv(), files=3), None, mark(files=9), mark(Csv(), files=1)]

    assert num_read_otherwise(marks, Csv()) == 0
    assert num_read_otherwise(marks, Csv(**changed)) == 4
    assert num_read_otherwise([mark(files=9)], Csv(**changed)) == 0


def test_once_files_were_landed_by_the_settings_the_change_is_known():
    marks = [mark(Csv(), files=3), mark(Csv(trim=True), files=1)]

    assert num_read_otherwise(marks, Csv(trim=True)) == 0
    assert num_read_otherwise(marks, Csv()) == 1


def test_what_counts_later_changes_nothing():
    assert read_by(Csv()) == read_by(Csv(nulls=("?",), extra_columns="ignore", delimiter=","))
    assert read_by(Csv()) != read_by(Json())
    spans = {"a": (1, 2)}
    assert read_by(FixedWidth(columns=spans)) != read_by(
        FixedWidth(columns=spans, extra_columns="ignore")
    )


def test_a_change_is_told_with_what_to_do(caplog):
    tell_read_otherwise("visits", 0)
    assert not caplog.text

    tell_read_otherwise("visits", 4)
    assert "visits: 4 files were read by other settings" in caplog.text
    assert "under a new source name" in caplog.text
