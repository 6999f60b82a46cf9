"""What is published, how often, and what refuses it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lepton_spark.errors import ConflictError, DataError
from lepton_spark.lake import tables
from lepton_spark.lake.tables import Publication, TableId

pytestmark = pytest.mark.spark

SCORES = TableId("gold", "scores")
SCHEMA = "id bigint, as_of date, score double"


def scores(context, day="2024-02-29", num_rows=3):
    return context.spark.sql(
        f"select id, date'{day}' as as_of, id / 10.0D as score from range({num_rows})"
    )


def nightly(day="2024-02-29", **changes):
    made = Publication(
        SCORES, "score", day, "f" * 64, replace=f"as_of = date'{day}'", partition_by=("as_of",)
    )
    return replace(made, **changes)


def test_publishing_twice_makes_one_version(context_for):
    context = context_for()

    first = tables.publish(context, scores(context), nightly())
    second = tables.publish(context_for(), scores(context), nightly())

    assert (first.version, first.rows, first.is_new) == (0, 3, True)
    assert (second.version, second.rows, second.is_new) == (0, 3, False)
    assert tables.read(context, SCORES).count() == 3


def test_other_content_under_the_same_key_is_refused(context_for):
    context = context_for()
    tables.publish(context, scores(context), nightly())

    with pytest.raises(ConflictError, match="--revision 1") as refused:
        tables.publish(context, scores(context, num_rows=4), nightly(fingerprint="0" * 64))

    assert refused.value.exit_code == 40
    assert tables.current_version(context, SCORES) == 0


def test_a_raised_revision_replaces_the_rows_of_its_day_only(context_for):
    context = context_for()
    tables.publish(context, scores(context), nightly())
    tables.publish(context, scores(context, "2024-02-28"), nightly("2024-02-28"))

    again = tables.publish(
        context_for(revision=1), scores(context, num_rows=5), nightly(fingerprint="0" * 64)
    )

    assert (again.version, again.is_new) == (2, True)
    assert tables.read(context, SCORES).count() == 8


def test_an_older_day_after_a_newer_one_is_published(context_for):
    context = context_for()
    for day in ("2024-02-29", "2024-02-28", "2024-01-30"):
        assert tables.publish(context, scores(context, day), nightly(day)).is_new

    assert tables.read(context, SCORES).groupBy("as_of").count().count() == 3


def test_a_failed_audit_publishes_nothing(context_for):
    context = context_for()
    tables.publish(context, scores(context), nightly())

    def refuse(_rows):
        raise DataError("LS-2099", "the audit failed.", "a test says so.", "nothing.")

    with pytest.raises(DataError):
        tables.publish(
            context, scores(context, "2024-03-01"), nightly("2024-03-01", audit=refuse)
        )

    assert tables.current_version(context, SCORES) == 0
    assert tables.find(context, SCORES, "score", "2024-03-01") is None


def test_a_table_that_was_never_published_does_not_exist(context_for):
    context = context_for()

    assert not tables.exists(context, SCORES)
    with pytest.raises(DataError, match=r"gold\.scores does not exist"):
        tables.read(context, SCORES)
