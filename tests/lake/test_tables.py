"""What is published, how often, and what refuses it."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pyarrow as pa
import pytest
from deltalake import DeltaTable, QueryBuilder

from lepton_spark import faults
from lepton_spark.errors import ConflictError, DataError, EnvironmentFault
from lepton_spark.lake import files, tables
from lepton_spark.lake.catalog import location, path_of
from lepton_spark.lake.tables import Publication, TableId

pytestmark = pytest.mark.spark

SCORES = TableId("gold", "scores")


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
        tables.publish(context, scores(context, "2024-03-01"), nightly("2024-03-01", audit=refuse))

    assert tables.current_version(context, SCORES) == 0
    assert tables.find(context, SCORES, "score", "2024-03-01") is None


@pytest.mark.parametrize(
    "point", ["before_stage_write", "after_stage_write", "after_audit", "before_commit"]
)
def test_a_full_disk_publishes_nothing_and_leaves_nothing(context_for, monkeypatch, point):
    context = context_for()
    tables.publish(context, scores(context), nightly())
    monkeypatch.setattr(faults, "_reached", Counter())
    monkeypatch.setenv("LEPTON_ALLOW_FAULTS", "1")
    monkeypatch.setenv("LEPTON_FAULT", f"{point}:raise(OSError:ENOSPC)")

    with pytest.raises(EnvironmentFault, match="LS-5008"):
        tables.publish(context, scores(context, "2024-03-01"), nightly("2024-03-01"))

    assert tables.current_version(context, SCORES) == 0
    assert files.names_in(path_of(context.environment, "gold", "_staging", "scores")) == []


def test_a_table_that_was_never_published_does_not_exist(context_for):
    context = context_for()

    assert not tables.exists(context, SCORES)
    with pytest.raises(DataError, match=r"gold\.scores does not exist"):
        tables.read(context, SCORES)


def test_a_second_reader_sees_the_same_rows_and_properties(context_for):
    context = context_for()
    tables.publish(context, scores(context, num_rows=50), nightly())
    tables.publish(context, scores(context, "2024-03-01", num_rows=7), nightly("2024-03-01"))

    oracle = DeltaTable(location(context.environment, SCORES))
    found = QueryBuilder().register("scores", oracle)
    rows = found.execute("select count(*) n, sum(id) s from scores group by as_of order by n")

    assert pa.table(rows.read_all()).to_pylist() == [{"n": 7, "s": 21}, {"n": 50, "s": 1225}]
    properties = oracle.metadata().configuration
    assert properties["delta.logRetentionDuration"] == "interval 365 days"
    assert properties["delta.enableDeletionVectors"] == "false"
    marker = tables.find(context, SCORES, "score", "2024-03-01")
    assert (marker.version, marker.rows, marker.run_id) == (1, 7, context.run_id)
    assert tables.marker_of(context, SCORES, 1) == marker


def test_after_any_sequence_of_nights_the_table_is_what_a_dictionary_would_be(context_for):
    """The law of publishing: last revision of each day, each once, whatever the order."""
    chance = random.Random(7)
    model: dict[str, tuple[int, int]] = {}
    for _ in range(12):
        day, revision = f"2024-03-0{chance.randint(1, 3)}", chance.randint(0, 1)
        num_rows = chance.randint(0, 4)
        context = context_for(revision=revision)
        publication = nightly(day, fingerprint=f"{num_rows}" * 64)
        before = tables.current_version(context, SCORES)
        standing = model.get(day)
        is_other = standing is not None and standing[1] != num_rows
        try:
            done = tables.publish(context, scores(context, day, num_rows), publication)
        except ConflictError:
            assert is_other
            assert revision <= standing[0]
            continue
        assert done.is_new == (standing is None or is_other)
        assert done.version == before + 1 if done.is_new else done.version <= before
        if done.is_new:
            model[day] = (revision, num_rows)

    counted = tables.read(context_for(), SCORES).groupBy("as_of").count().collect()
    expected = {day: rows for day, (_, rows) in model.items() if rows}
    assert {str(row["as_of"]): row["count"] for row in counted} == expected


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        (["id", "as_of"], "score (double) is missing"),
        (["id", "as_of", "score", "1 as extra"], "extra (int) is new"),
        (["cast(id as string) id", "as_of", "score"], "id was bigint and is string"),
    ],
)
def test_changed_columns_are_refused_before_anything_is_computed(context_for, columns, named):
    context = context_for()
    tables.publish(context, scores(context), nightly())
    changed = scores(context, "2024-03-01").selectExpr(*columns)
    boom = changed.where("assert_true(false) is null")

    with pytest.raises(DataError) as refused:
        tables.publish(context, boom, nightly("2024-03-01"))

    assert named in refused.value.what
    assert tables.current_version(context, SCORES) == 0


def test_columns_may_be_added_where_the_publication_says_so(context_for):
    context = context_for()
    tables.publish(context, scores(context), nightly())
    wider = scores(context, "2024-03-01").selectExpr("*", "1 as extra", "2 as other")

    with pytest.raises(DataError, match=r"other \(int\) is new"):
        tables.publish(context, wider, nightly("2024-03-01", add_columns=("extra",)))
    with pytest.raises(DataError, match=r"score \(double\) is missing"):
        tables.publish(
            context, wider.drop("other", "score"), nightly("2024-03-01", add_columns=("extra",))
        )
    both = ("EXTRA", "other")
    tables.publish(context, wider, nightly("2024-03-01", add_columns=both))

    rows = tables.read(context, SCORES).selectExpr("sum(extra)", "count(score)", "count(*)")
    assert tuple(rows.first()) == (3, 6, 6)


def test_a_table_that_is_replaced_whole_may_change_its_columns(context_for):
    context = context_for()
    tables.publish(context, scores(context), nightly())
    other = scores(context).selectExpr("as_of", "score as chance")

    tables.publish(
        context, other, nightly("all", replace=tables.EVERYTHING, partition_by=("as_of",))
    )

    assert tables.read(context, SCORES).columns == ["as_of", "chance"]
    assert tables.read(context, SCORES, version=0).columns == ["id", "as_of", "score"]


def test_rows_outside_of_what_is_replaced_are_refused(context_for):
    context = context_for()
    tables.publish(context, scores(context), nightly())

    with pytest.raises(DataError, match="LS-2020") as refused:
        tables.publish(context, scores(context, "2024-03-02"), nightly("2024-03-01"))

    assert "2024-03-02" not in str(refused.value)
    assert tables.current_version(context, SCORES) == 0


def test_appended_rows_are_appended_once(context_for):
    context = context_for()
    for _ in range(2):
        for key in ("a", "b"):
            tables.publish(context, scores(context), nightly(job="land", key=key, replace=None))

    assert tables.read(context, SCORES).count() == 6
