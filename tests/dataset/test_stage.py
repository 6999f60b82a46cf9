"""The dataset: labelled rows with their features, each in one part, published once."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow.parquet as pq
import pytest

from lepton_spark.dataset.row_groups import row_group_rows
from lepton_spark.dataset.stage import feature_columns, prepare
from lepton_spark.errors import ConflictError, DataError, TrainingError, TryAgainError
from lepton_spark.lake import file_plan, tables
from tests.conftest import TINY_CASE
from tests.dataset.visits import AS_OF, DATASET, FEATURES, publish_visits, tiny_case, visits

pytestmark = pytest.mark.spark


@pytest.fixture
def context(context_for):
    return context_for(tiny_case(), AS_OF)


def prepared(context, made=None, **changes):
    publish_visits(context, visits() if made is None else made)
    return prepare(context, **changes)


def test_each_labelled_visit_is_there_once_with_its_features(context):
    made = visits()
    made[7]["minutes"] = None

    result = prepared(context, made)

    rows = tables.read(context, DATASET).orderBy("visit").collect()
    assert len(rows) == 1199
    assert sum(result.facts["rows"].values()) == 1199
    by_visit = {row["visit"]: row for row in rows}
    for visit in made:
        if visit["visit"] != 7:
            row = by_visit[visit["visit"]]
            assert row["_label"] == float(visit["minutes"] > 30)
            assert (row["shop"], row["hour"]) == (visit["shop"], visit["hour"])
            part = "train" if visit["day"] < date(2024, 3, 1) else "validate"
            assert row["_split"] == ("test" if visit["day"] >= date(2024, 4, 1) else part)


def test_rows_whose_labels_were_known_too_late_to_learn_from_them_are_left_out(context_for):
    days = {"validate_from": "2024-03-01", "test_from": "2024-04-01", "gap_days": 7}
    context = context_for(tiny_case(predict={"split": days}), AS_OF)

    result = prepared(context)

    rows = tables.read(context, DATASET).select("day", "_split").collect()
    assert {row["_split"] for row in rows} == {"train", "validate", "test"}
    assert max(row["day"] for row in rows if row["_split"] == "train") == date(2024, 2, 22)
    assert max(row["day"] for row in rows if row["_split"] == "validate") == date(2024, 3, 24)
    assert result.facts["left_out"] == 1200 - len(rows) > 0
    assert result.facts["fitted_until"] == "2024-03-24T23:00:00.000000Z"


def test_preparing_twice_publishes_once(context, context_for):
    first = prepared(context)

    again = prepare(context_for(tiny_case(), AS_OF))

    assert first.tables[0].is_new
    assert not again.tables[0].is_new
    assert again.tables[0].version == first.tables[0].version


def test_what_is_known_after_the_moment_does_not_exist(context_for):
    early = context_for(
        tiny_case(predict={"split": {"validate_share": 0.2, "test_share": 0.2}}), "2024-03-01"
    )

    result = prepared(early)

    last = tables.read(early, DATASET).agg({"day": "max"}).first()[0]
    assert last == date(2024, 2, 29)
    assert result.facts["fitted_until"] == "2024-02-29T23:00:00.000000Z"


def test_other_settings_under_the_same_date_are_a_conflict(context, context_for):
    prepared(context)
    other = tiny_case(predict={"split": {"validate_share": 0.2, "test_share": 0.2}})

    with pytest.raises(ConflictError):
        prepare(context_for(other, AS_OF))

    assert prepare(context_for(other, AS_OF, revision=1)).tables[0].is_new


def test_another_label_is_another_dataset(context, context_for):
    prepared(context)
    label = {"name": "is_long", "from": "visits", "is": "minutes <= 30"}

    with pytest.raises(ConflictError):
        prepare(context_for(tiny_case(predict={"label": label}), AS_OF))


def test_one_class_is_refused_and_nothing_published(context):
    made = [{**visit, "minutes": 20} for visit in visits()]

    with pytest.raises(TrainingError, match="is_long has one class"):
        prepared(context, made)

    assert not tables.exists(context, DATASET)


def test_a_part_without_enough_of_a_class_is_refused(context):
    made = [
        {**visit, "minutes": 20 if visit["day"] >= date(2024, 4, 1) else visit["minutes"]}
        for visit in visits()
    ]

    with pytest.raises(TrainingError, match="the part test has 0 positives"):
        prepared(context, made)


def test_no_label_yet_may_come_later(context):
    with pytest.raises(TryAgainError, match="none of 1200 rows"):
        prepared(context, [{**visit, "minutes": None} for visit in visits()])


def test_without_features_it_is_told_which_stage_comes_first(context):
    with pytest.raises(DataError, match=r"gold\.tiny_features does not exist"):
        prepare(context)


def test_a_key_that_occurs_twice_stops_at_the_audit(context):
    made = visits()
    publish_visits(context, made)
    rows = tables.read(context, FEATURES)
    doubled = rows.unionByName(rows.limit(1))
    tables.publish(
        context, doubled, tables.Publication(FEATURES, "test", "doubled", "d", replace="true")
    )

    with pytest.raises(TrainingError, match="keys occur more than once"):
        prepare(context)

    assert not tables.exists(context, DATASET)


def of_shops(**split):
    """A case with a row for each visit of a shop, and such visits: 60 shops, 20 visits each."""
    source = {**TINY_CASE["sources"]["visits"], "key": ["shop", "visit"]}
    parts = {"sources": {"visits": source}, "features": {"own": ["hour"]}}
    made = [{**visit, "shop": f"s{visit['visit'] % 60}"} for visit in visits()]
    return tiny_case(predict={"split": split}, **parts), made


def test_a_group_is_in_one_part_of_a_split_by_shares(context_for, caplog):
    case, made = of_shops(validate_share=0.3, test_share=0.3, by=["shop"])
    context = context_for(case, AS_OF)

    prepared(context, made)

    rows = tables.read(context, DATASET).select("shop", "_split")
    assert rows.count() == 1200
    assert rows.distinct().count() == 60
    assert "may be in both" not in caplog.text


def test_a_group_that_days_cut_is_counted_and_nothing_published(context_for):
    case, made = of_shops(validate_from="2024-03-01", test_from="2024-04-01", by=["shop"])
    context = context_for(case, AS_OF)

    with pytest.raises(TrainingError, match=r"LS-6010.*60 of 60 groups of shop"):
        prepared(context, made)

    assert not tables.exists(context, DATASET)


def test_that_parts_may_share_a_part_of_the_key_is_told(context_for, caplog):
    case, made = of_shops(validate_share=0.3, test_share=0.3)

    prepared(context_for(case, AS_OF), made)

    assert "rows with one shop or visit may be in both" in caplog.text


def test_each_file_holds_one_part_in_an_order_that_says_nothing(context):
    result = prepared(context)

    version = result.tables[0].version
    for part in ("train", "validate", "test"):
        plan = file_plan.plan(
            context, DATASET, version, condition=f"_split = '{part}'", without=("_split",)
        )
        assert plan.unfit is None
        assert plan.rows == result.facts["rows"][part]
        rows = [
            pq.ParquetFile(each.path).read_row_group(each.row_group, columns=["visit"])
            for each in plan.slices
        ]
        order = [visit for table in rows for visit in table.column("visit").to_pylist()]
        assert order != sorted(order)


def test_row_groups_have_fewer_rows_where_texts_make_tensors_wide():
    wide = {"text": {f"said_{n}": {"max_terms": 2000} for n in range(5)}}
    long = {"tokens": {"told": {"length": 4096}}}

    assert row_group_rows(tiny_case(), 40) == 131_072
    assert row_group_rows(tiny_case(transform=wide), 40) == 128_000_000 // (4 * 10_040)
    assert row_group_rows(tiny_case(transform=long), 40) == 128_000_000 // (4 * 4136)


def test_features_are_all_but_keys_and_marks_unless_a_key_is_one_of_its_own():
    case = tiny_case()
    columns = ["visit", "day", "_as_of", "shop", "hour"]

    assert feature_columns(case, columns) == ["visit", "shop", "hour"]
    plain = case.model_copy(
        update={"features": case.features.model_copy(update={"own": ("shop",)})}
    )
    assert feature_columns(plain, columns) == ["shop", "hour"]


def test_a_row_that_was_put_off_is_there_once_with_what_was_known_on_its_last_day(context):
    made = visits()
    later = {**made[7], "day": made[7]["day"] + timedelta(days=3), "shop": "c", "hour": 1.5}
    later["known_at"] += timedelta(days=3)

    prepared(context, [*made, later])

    (row,) = tables.read(context, DATASET).filter("visit = 7").collect()
    assert (row["day"], row["shop"], row["hour"]) == (later["day"], "c", 1.5)
    assert tables.read(context, DATASET).count() == len(made)
