"""A label is what was known of the outcome at the moment, and nothing later."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lepton_spark.config.case import Label
from lepton_spark.config.task import Task
from lepton_spark.dataset.label import label_rows
from lepton_spark.dataset.label_count import LabelCount, label_counts

pytestmark = pytest.mark.spark

LABEL = Label.model_validate(
    {"name": "is_long", "from": "visits", "is": "minutes > 30", "only_if": "status = 'done'"}
)
SCHEMA = (
    "visit int, minutes int, status string, _file string, _row bigint, _arrived_at timestamp, "
    "_known_at timestamp"
)
MOMENT = datetime(2024, 2, 29, 12, tzinfo=UTC)


def hour(number):
    return datetime(2024, 2, 29, number, tzinfo=UTC)


def labels(spark, rows, label=LABEL, moment=MOMENT):
    full = [(*row[:3], "f", number, *row[3:]) for number, row in enumerate(rows)]
    found = label_rows(spark.createDataFrame(full, SCHEMA), label, ["visit"], moment=moment)
    return {row["visit"]: row["_label"] for row in found.collect()}


def test_the_condition_gives_one_or_zero(spark):
    rows = [(1, 31, "done", hour(1), hour(1)), (2, 30, "done", hour(1), hour(1))]

    assert labels(spark, rows) == {1: 1.0, 2: 0.0}


def test_a_null_label_is_no_label(spark):
    assert labels(spark, [(1, None, "done", hour(1), hour(1))]) == {}


def test_rows_outside_only_if_have_no_label(spark):
    rows = [(1, 31, "left", hour(1), hour(1)), (2, 31, None, hour(1), hour(1))]

    assert labels(spark, rows) == {}


def test_what_becomes_known_at_the_moment_counts_and_later_does_not(spark):
    rows = [(1, 31, "done", hour(1), hour(12)), (2, 31, "done", hour(1), hour(13))]

    assert labels(spark, rows) == {1: 1.0}


def test_what_arrives_later_changes_nothing(spark):
    rows = [(1, 31, "done", hour(1), hour(1)), (1, 5, "done", hour(13), hour(13))]

    assert labels(spark, rows) == {1: 1.0}
    assert labels(spark, rows, moment=hour(14)) == {1: 0.0}


def test_a_correction_that_arrived_replaces_the_first_version(spark):
    rows = [(1, 31, "done", hour(1), hour(1)), (1, 5, "done", hour(6), hour(6))]

    assert labels(spark, rows) == {1: 0.0}


def test_a_correction_that_takes_the_outcome_back_leaves_no_label(spark):
    rows = [(1, 31, "done", hour(1), hour(1)), (1, 31, "left", hour(6), hour(6))]

    assert labels(spark, rows) == {}


def test_a_class_is_its_place_in_the_list_and_one_that_is_not_named_is_seen(spark):
    rows = [(n, 1, status, hour(1), hour(1)) for n, status in enumerate(["done", "left", "new"])]
    rows.append((3, 1, None, hour(1), hour(1)))
    kind = Label.model_validate(
        {"name": "end", "from": "visits", "class": "status", "classes": ["left", "done"]}
    )

    assert labels(spark, rows, kind) == {0: 1.0, 1: 0.0, 2: -1.0}


def test_an_amount_is_a_number(spark):
    rows = [(1, 31, "done", hour(1), hour(1)), (2, None, "done", hour(1), hour(1))]
    amount = Label.model_validate({"name": "took", "from": "visits", "value": "minutes / 2"})

    assert labels(spark, rows, amount) == {1: 15.5}


def test_an_amount_that_no_float32_can_hold_is_strange(spark):
    amount = Task("amount", ("expected",))
    values = [1.5, -3.4e38, 3.5e38, float("inf"), float("nan"), 1.797e308]
    rows = spark.createDataFrame([(value,) for value in values], "_label double")

    found = LabelCount.of(rows.agg(*label_counts(amount)).first().asDict())

    assert (found.rows, found.strange, found.lowest) == (6, 4, pytest.approx(-3.4e38))
