"""From raw files to a traced prediction, on a case that the package has never heard of."""

from __future__ import annotations

from datetime import date

import pytest
from deltalake import DeltaTable

from tests.journey.lepton import Done, lepton
from tests.journey.plant import Plant, make_plant

pytestmark = [
    pytest.mark.spark,
    pytest.mark.tensorflow,
    pytest.mark.horovod,
    pytest.mark.slow,
    pytest.mark.timeout(900),
]

SCORE_DAY = "2024-02-27"
NIGHT = "2024-02-28"


@pytest.fixture(scope="module")
def plant(tmp_path_factory) -> Plant:
    return make_plant(tmp_path_factory.mktemp("plant"))


@pytest.fixture(scope="module")
def journey(plant) -> Done:
    return lepton("run", "plant", "--as-of", plant.as_of, "--score-date", SCORE_DAY, *where(plant))


def where(plant: Plant) -> list[str]:
    return ["--conf-dir", str(plant.conf_dir)]


def predictions(plant: Plant, day: str) -> list[dict[str, object]]:
    table = DeltaTable(plant.lakehouse / "gold" / "plant_predictions")
    return table.to_pyarrow_table(filters=[("as_of", "=", date.fromisoformat(day))]).to_pylist()


def test_the_journey_ends_with_a_scored_day(plant, journey):
    assert journey.code == 0, journey.stderr
    assert journey.summary["status"] == "done"
    scored = predictions(plant, SCORE_DAY)
    assert len(scored) == 40
    assert {row["status"] for row in scored} == {"scored"}


def test_the_end_shows_what_a_person_wants_to_know(journey):
    wanted = [
        "rows in", "refused", "features", "table_mlp", "logistic", "boosted_trees", "majority",
        "promoted", "gold.plant_predictions", "lepton nightly plant",
    ]  # fmt: skip
    assert [words for words in wanted if words not in journey.stdout] == []


def test_the_same_journey_again_writes_nothing(plant, journey):
    assert journey.code == 0, journey.stderr
    again = lepton("run", "plant", "--as-of", plant.as_of, "--score-date", SCORE_DAY, *where(plant))

    assert again.code == 0, again.stderr
    assert again.summary["status"] == "already_done"


def test_a_night_lands_scores_and_is_published_once(plant, journey):
    assert journey.code == 0, journey.stderr
    arguments = ["nightly", "plant", "--as-of", NIGHT, *where(plant)]

    first, second = lepton(*arguments), lepton(*arguments)

    assert (first.code, second.code) == (0, 0), first.stderr + second.stderr
    published, again = (done.stage("score")["tables"][0] for done in (first, second))
    assert published["is_new"]
    assert not again["is_new"]
    assert published["version"] == again["version"]
    assert len(predictions(plant, NIGHT)) == 40


def test_a_prediction_is_traced_and_computed_again(plant, journey):
    assert journey.code == 0, journey.stderr
    key = f"machine=m007,day={SCORE_DAY}"

    traced = lepton("trace", "plant", key, "--as-of", SCORE_DAY, *where(plant))

    assert traced.code == 0, traced.stderr
    facts = traced.stage("trace")["facts"]
    assert facts["difference"] <= 1e-6
    assert facts["model_digest"]
    assert "model_digest" in traced.stdout


def test_a_day_that_has_no_files_is_a_data_error(plant, journey):
    assert journey.code == 0, journey.stderr

    done = lepton("nightly", "plant", "--as-of", "2024-06-01", *where(plant))

    assert done.code == 20
    assert done.summary["status"] == "failed"
    assert "--allow-empty" in done.stderr
