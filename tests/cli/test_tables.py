from __future__ import annotations

from lepton_spark.cli.tables import align


def test_columns_are_as_wide_as_they_must_be_and_numbers_stand_to_the_right():
    assert align([("name", "rows"), ("gold.predictions", "7")]) == (
        "name              rows\ngold.predictions     7\n"
    )


def test_long_paths_are_not_cut():
    assert "x" * 300 in align([("x" * 300, "1")])
