"""What the last publication says of what is new, and when it says nothing."""

from __future__ import annotations

from lepton_spark.lake.marker import Marker
from lepton_spark.silver.watermark import Watermark, since, watermark_of


def mark(run_id, **facts):
    return Marker(0, run_id, "land", "key", "print", 0, 1, "0.1.0", facts)


def test_only_what_came_after_the_watermark_is_new():
    marks = [mark("r-1"), mark("r-2"), None]

    assert since(0, marks) == [mark("r-2"), None]
    assert since(2, marks) == []
    assert since(-1, []) == []


def test_a_table_that_was_set_back_makes_the_watermark_worthless():
    assert since(3, [mark("r-1")]) is None


def test_a_publication_that_left_files_out_gives_no_watermark():
    assert watermark_of(mark("r-1", bronze_version=None, quarantine_version=0)) is None
    assert watermark_of(mark("r-1")) is None
    assert watermark_of(None) is None


def test_a_complete_publication_gives_one():
    told = mark("r-1", bronze_version=4, quarantine_version=-1)

    assert watermark_of(told) == Watermark(4, -1)
