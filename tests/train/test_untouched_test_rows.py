"""From dataset to judgement: what is fitted or chosen depends on no test row."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from lepton_spark.context import RunContext
from lepton_spark.dataset.stage import prepare
from lepton_spark.evaluate.stage import evaluate
from lepton_spark.lake import files, tables
from lepton_spark.train import bundle as bundles
from lepton_spark.train import candidates
from lepton_spark.train.stage import train
from tests.conftest import Silent, environment_at
from tests.dataset.visits import AS_OF, DATASET, publish_visits, tiny_case, visits

pytestmark = [pytest.mark.spark, pytest.mark.tensorflow]

NAMES = {"majority", "boosted_trees", "table_mlp", "average"}
CASE = tiny_case(
    model={"hidden": [4], "dropout": 0.0, "embedding": 2},
    train={
        "launcher": "local",
        "batch_size": 64,
        "epochs": 2,
        "baselines": ["boosted_trees"],
        "average": True,
    },
    transform={"min_category_count": 5},
    evaluate={"resamples": 50},
)
FIRST_OF_TEST = date(2024, 4, 1)
MADE, OTHERS = visits(), visits(seed=2)


def turned(visit):
    """The other label, so that the best scores become the worst; every other row is far out."""
    far = {"hour": 99.0, "shop": "no such", "visits_by_all_7d_count": 999}
    return {**visit, **(far if visit["visit"] % 2 else {}), "minutes": 60 - visit["minutes"]}


def drawn_again(visit):
    """Another row of the same law, on the same day."""
    return OTHERS[visit["visit"]]


@pytest.fixture(scope="module")
def found(spark, tmp_path_factory):
    """What dataset, train and evaluate make of the visits, given what becomes of a test row."""

    def make(change):
        environment = environment_at(tmp_path_factory.mktemp("lake"))
        now = datetime.now(UTC)
        context = RunContext(spark, CASE, environment, Silent(), "r-0", AS_OF, now)
        rows = [visit if visit["day"] < FIRST_OF_TEST else change(visit) for visit in MADE]
        publish_visits(context, rows)
        prepare(context)
        train(context)
        evaluate(context)
        marker = tables.find(context, DATASET, "dataset", AS_OF.isoformat())
        return candidates.folder(context, marker)

    return make


@pytest.fixture(scope="module")
def plain(found):
    return found(lambda visit: visit)


def fitted_in(place):
    """The files of each candidate, but for those that name the dataset."""
    kept = {"last": files.read_bytes(place.last)}
    for name in place.trained():
        content = dict(bundles.load(place.candidate(name)).files)
        del content["snapshot.json"]
        if name == "average":
            del content["training.json"]  # the digests of its members, whose snapshots differ
        kept[name] = content
    return kept


@pytest.mark.parametrize("change", [turned, drawn_again])
def test_no_test_row_changes_weights_trees_ranking_or_threshold(plain, found, change):
    changed = found(change)

    assert plain.trained().keys() == NAMES
    assert fitted_in(changed) == fitted_in(plain)
    one, other = plain.judgement(), changed.judgement()
    assert other["ranking"] == one["ranking"]
    for name in NAMES:
        chosen = [each["models"][name] for each in (one, other)]
        assert chosen[0]["threshold"] == chosen[1]["threshold"]
        assert chosen[0]["validate"] == chosen[1]["validate"]
        assert chosen[0]["test"]["metrics"] != chosen[1]["test"]["metrics"]
    assert one["best"] == one["ranking"][0]
    # A gate may refuse a candidate for its test rows; it never prefers one.
    assert other["best"] == (None if change is turned else one["best"])
