from __future__ import annotations

import logging
from datetime import date

import pytest

from lepton_spark.errors import ConflictError, DataError, ModelError
from lepton_spark.lake import tables
from lepton_spark.registry import store
from lepton_spark.score import stage
from lepton_spark.score.day import digest_of
from lepton_spark.score.stage import score
from tests.lake.deletions import take_away
from tests.score.conftest import DAY, FEATURES, FILE, PREDICTIONS, at, clinic_bundle

pytestmark = pytest.mark.spark

OTHER = "visits/2024-02-28.csv"


def refused_with(clinic, code):
    with pytest.raises(ModelError) as raised:
        score(clinic.context())
    assert raised.value.code == code
    assert not tables.exists(clinic.context(), PREDICTIONS)


def test_every_raw_row_of_the_day_has_a_prediction_or_a_reason(clinic):
    digest = clinic.champion()
    context = clinic.context()

    result = score(context)

    assert clinic.predictions("site", "visit", "decision", "status", "reason", "_row") == [
        ("A", 1, False, "scored", None, 2),
        ("A", 2, True, "scored", None, 3),
        ("B", None, None, "refused", "not_int:visit", 4),
    ]
    assert set(clinic.predictions("as_of", "model_digest", "model_version", "run_id", "_file")) == {
        (DAY, digest, "1", context.run_id, FILE)
    }
    assert [row for row, *_ in clinic.predictions("score")[:2]] == pytest.approx(
        [1 / (1 + 2.718281828**1), 1 / (1 + 2.718281828**-2)]
    )
    assert result.facts["scored"] == 2
    assert result.facts["refused"] == 1


def test_the_same_night_again_makes_no_new_version(clinic):
    clinic.champion()
    first = score(clinic.context()).tables[0]

    second = score(clinic.context()).tables[0]

    assert (second.version, second.rows, second.is_new) == (first.version, 3, False)


def test_another_model_under_the_same_night_is_refused_unless_the_revision_is_raised(scored):
    digest = scored.champion(clinic_bundle(coefficient=2.0))

    with pytest.raises(ConflictError):
        score(scored.context())

    score(scored.context(revision=1))
    assert set(scored.predictions("model_digest")) == {(digest,)}


def test_other_raw_files_under_the_same_night_are_refused(scored):
    arrived = at("2024-02-28T01:00")
    scored.bronze([("C", "9", "2024-02-29", "1")], OTHER, arrived)
    scored.silver([("C", 9, DAY, 1, 2)], OTHER, arrived)

    with pytest.raises(ConflictError):
        score(scored.context())


def test_rows_whose_features_were_built_later_are_scored_once_the_revision_is_raised(clinic):
    clinic.bronze([("C", "3", "2024-02-29", "25")], OTHER)
    clinic.silver([("C", 3, DAY, 25, 2)], OTHER)
    clinic.champion()
    score(clinic.context())
    assert ("C", 3, "no_features") in clinic.predictions("site", "visit", "reason")
    clinic.features([("C", 3, DAY, 25)])

    with pytest.raises(ConflictError):
        score(clinic.context())
    score(clinic.context(revision=1))

    assert ("C", 3, None) in clinic.predictions("site", "visit", "reason")


def test_other_features_under_the_same_night_are_refused_unless_the_revision_is_raised(scored):
    scored.features([("A", 1, DAY, 90), ("A", 2, DAY, 40)], is_all=True)

    with pytest.raises(ConflictError):
        score(scored.context())
    score(scored.context(revision=1))

    assert [row[0] for row in scored.predictions("decision")] == [True, True, None]


def test_the_same_features_built_again_and_those_of_other_days_change_nothing(scored):
    of_day = [("A", 2, DAY, 40), ("A", 1, DAY, 10)]
    scored.features([*of_day, ("A", 7, date(2024, 3, 5), 30)], is_all=True)

    assert not score(scored.context()).tables[0].is_new


def test_another_release_may_score_otherwise(scored, monkeypatch):
    monkeypatch.setattr(stage, "__version__", "0.0.0")

    with pytest.raises(ConflictError):
        score(scored.context())


def test_a_value_that_moves_to_the_column_beside_it_is_another_row(spark):
    schema, columns = "one int, two int", ["one", "two"]
    rows = [spark.createDataFrame([row], schema) for row in ((5, None), (None, 5), (5, 5))]

    digests = [tuple(digest_of(each, columns)) for each in rows]

    assert len(set(digests)) == 3


def test_a_file_that_arrives_after_the_moment_changes_nothing(scored):
    scored.bronze([("C", "9", "2024-03-01", "1")], "visits/2024-03-01.csv", at("2024-03-01T01:00"))
    later = at("2024-03-01T01:00")
    scored.silver([("A", 1, DAY, 99, 2)], "visits/2024-03-01.csv", later)

    assert not score(scored.context()).tables[0].is_new


def test_an_older_night_afterwards_is_not_skipped(scored):
    day, file, arrived = date(2024, 2, 27), "visits/2024-02-27.csv", at("2024-02-27T01:00")
    scored.bronze([("A", "7", "2024-02-27", "30")], file, arrived)
    scored.silver([("A", 7, day, 30, 2)], file, arrived)
    scored.features([("A", 7, day, 30)])

    score(scored.context(day))

    assert [row[0] for row in scored.predictions("as_of")] == [day, DAY, DAY, DAY]


def test_a_row_without_features_is_told_and_not_dropped(clinic):
    clinic.bronze([("C", "3", "2024-02-29", "1")], OTHER)
    clinic.silver([("C", 3, DAY, 1, 2)], OTHER)
    clinic.champion()

    score(clinic.context())

    assert ("C", 3, "refused", "no_features") in clinic.predictions(
        "site", "visit", "status", "reason"
    )


def test_a_row_that_a_deletion_vector_takes_away_is_told_and_not_scored(empty_clinic, caplog):
    empty_clinic.bronze([("A", "1", "2024-02-29", "10"), ("A", "2", "2024-02-29", "40")])
    empty_clinic.silver([("A", 1, DAY, 10, 2), ("A", 2, DAY, 40, 3)])
    empty_clinic.features([("A", visit, DAY, 10) for visit in range(1, 9)])  # several in a file
    empty_clinic.champion()
    take_away(empty_clinic.context(), FEATURES, "visit = 2")

    with caplog.at_level(logging.INFO):
        score(empty_clinic.context())

    assert f"{FEATURES} is read through Spark: its files may have deletion vectors" in caplog.text

    assert empty_clinic.predictions("visit", "status", "reason") == [
        (1, "scored", None),
        (2, "refused", "no_features"),
    ]


def test_a_day_is_scored_from_the_files_that_hold_it_and_other_days(clinic, caplog):
    clinic.features([("A", visit, date(2024, 2, visit), 10) for visit in range(1, 29)])
    clinic.champion()

    with caplog.at_level(logging.INFO):
        score(clinic.context())

    assert f"row groups of {FEATURES} are read by the workers" in caplog.text
    assert clinic.predictions("visit", "status", "reason")[:2] == [
        (1, "scored", None),
        (2, "scored", None),
    ]


def test_a_row_that_moved_to_another_day_is_not_of_the_day(clinic):
    newer = at("2024-02-29T01:30")
    clinic.silver([("A", 2, date(2024, 3, 9), 40, 2)], OTHER, newer)
    clinic.champion()

    score(clinic.context())

    assert clinic.predictions("site", "visit") == [("A", 1), ("B", None)]


def test_a_refused_row_belongs_to_the_day_of_its_file_where_its_own_cannot_be_read(clinic):
    clinic.bronze([(None, None, None, None), ("D", "4", "2024-02-29", "")], OTHER)
    clinic.quarantine([(2, ["short_row"], "refused"), (3, ["null:minutes"], "refused")], OTHER)
    clinic.champion()

    score(clinic.context())

    assert clinic.predictions("site", "visit", "_file", "_row")[:1] == [("D", 4, OTHER, 3)]


def test_a_refused_row_whose_key_was_accepted_is_not_told_twice(clinic):
    clinic.bronze([("A", "1", "2024-02-29", "x")], OTHER)
    clinic.quarantine([(2, ["not_int:minutes"], "refused")], OTHER)
    clinic.champion()

    score(clinic.context())

    assert clinic.predictions("site", "visit").count(("A", 1)) == 1


def test_a_day_without_rows_is_refused_unless_allowed(clinic):
    clinic.champion()

    with pytest.raises(DataError, match="visits has no rows for 2024-03-05"):
        score(clinic.context("2024-03-05"))

    assert score(clinic.context("2024-03-05", allow_empty=True)).tables[0].rows == 0


def test_without_a_champion_nothing_is_scored(clinic):
    refused_with(clinic, "LS-3030")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (
            {"gate": {"verdict": "fail", "reasons": ["auc 0.5100 is below the floor 0.6"]}},
            "LS-3032",
        ),
        ({"gate": {"verdict": "insufficient", "reasons": []}}, "LS-3032"),
        ({"gate": {}}, "LS-3032"),
        ({"snapshot": {"fitted_until": "2024-02-29T02:00:01Z"}}, "LS-3033"),
        ({"snapshot": {}}, "LS-3035"),
        ({"contract": {"columns": [{"name": "minutes", "type": "string"}]}}, "LS-3034"),
        (
            {"contract": {"columns": [{"name": "minutes", "type": "int"}], "day": "arrival"}},
            "LS-3038",
        ),
    ],
)
def test_a_model_that_may_not_score_this_day_is_refused(clinic, changed, code):
    clinic.champion(clinic_bundle(**changed))

    refused_with(clinic, code)


def test_a_bundle_that_was_edited_is_refused(clinic, tmp_path):
    digest = clinic.champion(clinic_bundle(gate={"verdict": "fail"}))
    gate = tmp_path / "lake/models/clinic/bundles" / digest / "gate.json"
    gate.write_text(gate.read_text().replace("fail", "pass"))

    refused_with(clinic, "LS-3001")


def test_a_bundle_in_the_place_of_another_is_refused(clinic):
    digest = clinic.champion()
    other = clinic_bundle(coefficient=9.0)
    from lepton_spark.train import bundle as bundles

    bundles.write(store.bundle_uri(clinic.context(), digest), other)

    refused_with(clinic, "LS-3001")


def test_a_doubled_feature_row_publishes_nothing(clinic):
    clinic.features([("A", 1, DAY, 10)])
    clinic.champion()

    with pytest.raises(DataError) as raised:
        score(clinic.context())

    assert raised.value.code == "LS-2080"
    assert not tables.exists(clinic.context(), PREDICTIONS)


def test_a_night_whose_features_were_not_built_is_refused_and_can_be_scored_later(empty_clinic):
    empty_clinic.bronze([("A", "1", "2024-02-29", "10"), ("A", "2", "2024-02-29", "40")])
    empty_clinic.silver([("A", 1, DAY, 10, 2), ("A", 2, DAY, 40, 3)])
    empty_clinic.features([("A", 1, date(2024, 2, 28), 10)])
    empty_clinic.champion()

    with pytest.raises(DataError, match=r"LS-2086.*none of the 2 accepted rows") as raised:
        score(empty_clinic.context())

    assert "lepton features" in raised.value.fix
    assert not tables.exists(empty_clinic.context(), PREDICTIONS)
    empty_clinic.features([("A", 1, DAY, 10), ("A", 2, DAY, 40)])
    assert score(empty_clinic.context()).facts["scored"] == 2


def test_a_day_with_a_file_that_is_not_refined_is_not_published_in_part(clinic):
    clinic.champion()
    clinic.bronze([("C", "7", "2024-02-29", "30")], file="visits/2024-02-29-late.csv")

    with pytest.raises(DataError, match=r"LS-2087.*1 files of visits"):
        score(clinic.context())
    assert not tables.exists(clinic.context(), PREDICTIONS)
