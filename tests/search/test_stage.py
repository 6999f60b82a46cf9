"""A search on real rows: what it may look at, how it is stopped, and how it goes on."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from lepton_spark.context import RunContext
from lepton_spark.dataset.stage import prepare
from lepton_spark.errors import ConfigError, DataError, TrainingError
from lepton_spark.lake import files
from lepton_spark.search import training
from lepton_spark.search.stage import search
from lepton_spark.train.network import fit_network
from tests.conftest import Silent, environment_at
from tests.dataset.visits import AS_OF, publish_visits, tiny_case, visits

pytestmark = [pytest.mark.spark, pytest.mark.tensorflow]

SPACE = {
    "train.learning_rate": {"low": 1e-3, "high": 1e-1, "log": True},
    "model.hidden": {"choices": [[4], [8, 4]]},
}
TRAIN = {"launcher": "local", "batch_size": 64, "epochs": 3}


class Heard(Silent):
    """Remembers what it is told; ends the run, as a kill would, at a message that begins so."""

    def __init__(self, end_at=None):
        self.messages = []
        self._end_at = end_at

    def step(self, _stage, message, **_place):
        self.messages.append(message)
        if self._end_at and message.startswith(self._end_at):
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def run(spark, tmp_path_factory):
    """A maker of runs: `run({"trials": 3}, train=..., lake="changed")` gives their contexts."""
    made = visits(800)
    lakes = {
        "plain": made,
        "changed": [
            visit
            if visit["day"] < date(2024, 4, 1)
            else {**visit, "hour": 99.0, "shop": "no such", "minutes": 60 - visit["minutes"]}
            for visit in made
        ],
        "relabelled": [
            visit
            if visit["day"] < date(2024, 2, 20)
            else {**visit, "minutes": 40 if visit["visit"] % 4 else 20}
            for visit in made
        ],
    }
    environments = {name: environment_at(tmp_path_factory.mktemp(name)) for name in lakes}

    def make(settings=None, *, train=None, lake="plain", progress=None):
        case = tiny_case(
            model={"hidden": [4], "dropout": 0.0, "embedding": 2},
            train={**TRAIN, **(train or {})},
            transform={"min_category_count": 5},
            search=None if settings is None else {"space": SPACE, "trials": 3, **settings},
        )
        now = datetime.now(UTC)
        progress = progress or Heard()
        return RunContext(spark, case, environments[lake], progress, "r-0", AS_OF, now)

    for name, rows in lakes.items():
        publish_visits(make(lake=name), rows)
        prepare(make(lake=name))
    return make


def repeatable(facts):
    """Without what says how long it took and where it was."""
    trials = [{**trial, "seconds": 0} for trial in facts["trials"]]
    return {"trials": trials, "best": facts["best"]["set"], "estimate": facts["estimate"]}


def fit_on_own_rows(backend, job, size, **others):
    """Fits as ever, and sees that nothing was learned from the rows that judge."""
    fitted, judged = ({piece.path for piece in part} for part in (job.fitted, job.validated))
    assert not fitted & judged
    assert job.transform.num_rows == sum(piece.rows for piece in job.fitted)
    return fit_network(backend, job, size, **others)


@pytest.mark.parametrize(
    "settings",
    [{}, {"trials": 1, "folds": {"kind": "time_ordered", "count": 3, "nested": True}}],
    ids=["split", "nested"],
)
def test_no_test_row_changes_a_trial_the_choice_or_the_estimate(run, settings, monkeypatch):
    monkeypatch.setattr(training, "fit_network", fit_on_own_rows)
    plain, changed = (search(run(settings, lake=lake)).facts for lake in ("plain", "changed"))

    assert plain["fingerprint"] != changed["fingerprint"]
    assert repeatable(plain) == repeatable(changed)
    if not settings:
        assert len({trial["loss"] for trial in plain["trials"]}) == 3
        assert plain["best"]["loss"] == min(trial["loss"] for trial in plain["trials"])
        assert plain["estimate"] is None
    else:
        assert [len(trial["losses"]) for trial in plain["trials"]] == [3]
        assert len(plain["estimate"]["folds"]) == 2
        assert plain["estimate"]["missing"] == 0
        assert plain["estimate"]["spread"] > 0
        assert not files.exists(f"{plain['path']}/rows")


def test_no_label_of_a_later_fold_changes_what_earlier_ones_are_fitted_to(run):
    settings = {"trials": 1, "folds": {"kind": "time_ordered", "count": 3}}
    train = {"loss": {"class_weights": "balanced"}}

    plain, changed = (
        search(run(settings, lake=lake, train=train)).facts["trials"][0]
        for lake in ("plain", "relabelled")
    )

    # The first fold ends in February, the rows of the second one judge it.
    assert plain["losses"][0] == changed["losses"][0]
    assert plain["losses"][-1] != changed["losses"][-1]


def test_a_killed_search_goes_on_and_comes_out_as_one_that_was_not(run):
    settings = {"seed": 11}
    whole = search(run(settings)).facts
    files.delete_tree(whole["path"])

    with pytest.raises(KeyboardInterrupt):
        search(run(settings, progress=Heard("all, trial 2")))
    heard = Heard()
    resumed = search(run(settings, progress=heard)).facts
    again = Heard()
    more = search(run({**settings, "trials": 4}, progress=again)).facts

    assert heard.messages == ["all, trial 2", "all, trial 3"]
    assert repeatable(resumed) == repeatable(whole)
    assert again.messages == ["all, trial 4"]
    assert repeatable(more)["trials"][:3] == repeatable(whole)["trials"]


@pytest.mark.horovod
def test_a_hopeless_trial_is_stopped_early_on_all_ranks(run, monkeypatch):
    lengths = []

    def fit(*given, **others):
        fitted = fit_network(*given, **others)
        lengths.append(len(fitted.history))
        return fitted

    monkeypatch.setattr(training, "fit_network", fit)
    space = {"train.learning_rate": {"choices": [0.03, 1e-9]}}
    pruner = {"after_trials": 1, "after_epochs": 2}
    train = {"launcher": "barrier", "workers": 2, "epochs": 2000, "patience": 15}

    facts = search(
        run({"space": space, "pruner": pruner, "trials": 2, "seed": 3}, train=train)
    ).facts

    good, hopeless = facts["trials"]
    assert [each["settings"]["train.learning_rate"] for each in (good, hopeless)] == [0.03, 1e-9]
    assert (good["end"], hopeless["end"], hopeless["stopped"]) == ("done", "stopped", "median")
    assert hopeless["loss"] is None
    assert hopeless["epochs"][0] <= 2 <= lengths[1] < 2000
    assert facts["best"]["set"] == ["train.learning_rate=0.03"]


def test_no_trial_begins_after_the_budget_and_one_that_runs_is_stopped(run):
    settings = {"budget_minutes": 0.02}
    train = {"epochs": 10_000, "patience": 10_000}

    for _ in range(2):
        with pytest.raises(TrainingError, match=r"LS-6040: none of 1 trials .* end \(time\)"):
            search(run(settings, train=train))


def test_a_trial_that_fails_by_its_settings_does_not_end_the_search(run):
    space = {"train.batch_size": {"choices": [64, 100_000]}}

    facts = search(run({"space": space, "trials": 4}, train={"epochs": 1})).facts

    ends = {trial["settings"]["train.batch_size"]: trial["code"] for trial in facts["trials"]}
    assert ends == {64: "", 100_000: "LS-1061"}
    assert facts["best"]["settings"] == {"train.batch_size": 64}


def test_what_is_missing_is_told(run, context_for):
    with pytest.raises(ConfigError, match=r"(?s)LS-1133: .* write search: "):
        search(run())
    with pytest.raises(ConfigError, match=r"(?s)LS-1134: .* did you mean shop\?"):
        search(run({"folds": {"kind": "grouped", "by": "shops"}}))
    with pytest.raises(DataError, match=r"(?s)LS-2072: .* run the stage `dataset` first"):
        search(context_for(run({}).case, AS_OF))
