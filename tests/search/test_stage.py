"""A search on real rows: what it may look at, how it is stopped, and how it goes on."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from pyarrow.parquet import ParquetFile

from lepton_spark.cli import search as commands
from lepton_spark.errors import ConfigError, DataError, TrainingError
from lepton_spark.lake import files, tables
from lepton_spark.search import training
from lepton_spark.search.stage import search
from lepton_spark.train.network import fit_network
from tests.dataset.visits import AS_OF, DATASET
from tests.search.conftest import Heard, repeatable

pytestmark = [pytest.mark.spark, pytest.mark.tensorflow]
JOB = Path(__file__).parents[2] / "jobs" / "search.py"
ENCODING = {"target_encoding": {"columns": ["shop"], "folds": 3}}


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


@pytest.mark.parametrize(
    ("folds", "transform"),
    [
        ({"kind": "stratified"}, {}),
        ({"kind": "grouped", "by": "shop"}, {}),
        ({"kind": "stratified"}, ENCODING),
    ],
    ids=["stratified", "grouped", "encoded"],
)
def test_each_row_is_judged_once_by_a_network_that_saw_all_others(
    run, folds, transform, monkeypatch
):
    seen = []

    def fit(backend, job, size, **others):
        seen.append([rows_of(part) for part in (job.fitted, job.validated)])
        assert len(job.transform.encodings) == len(transform)
        return fit_on_own_rows(backend, job, size, **others)

    monkeypatch.setattr(training, "fit_network", fit)
    settings = {"trials": 1, "folds": {**folds, "count": 2}}
    context = run(settings, train={"epochs": 1}, transform=transform)

    facts = search(context).facts

    assert len(facts["trials"][0]["losses"]) == 2
    dataset = tables.read(context, DATASET, version=None).where("_split <> 'test'")
    keys = sorted(row["visit"] for row in dataset.collect())
    assert sorted(row["visit"] for _, judged in seen for row in judged) == keys
    for fitted, judged in seen:
        assert sorted(row["visit"] for row in fitted + judged) == keys
        if "by" in folds:
            assert not {row["shop"] for row in fitted} & {row["shop"] for row in judged}
        else:
            long, of_judged = (sum(row["_label"] for row in rows) for rows in (fitted, judged))
            assert abs(long - of_judged) <= 1
        # Every row that is fitted on is encoded by the folds that it is not in.
        assert {row.get("_fold") for row in fitted} == ({0, 1, 2} if transform else {None})


def rows_of(pieces):
    """The rows as the ranks read them."""
    return [
        row
        for piece in pieces
        for row in ParquetFile(piece.path)
        .read_row_group(piece.row_group)
        .slice(piece.start, piece.rows)
        .to_pylist()
    ]


@pytest.mark.mlflow
def test_a_job_and_the_command_write_trials_down_once(run, monkeypatch):
    given = {}
    monkeypatch.setattr(
        "lepton_spark.job.run.run_job", lambda _name, stages, _argv: given.update(stages)
    )
    with pytest.raises(SystemExit):
        runpy.run_path(str(JOB), run_name="__main__")
    monkeypatch.setattr("lepton_spark.cli.search.carry_out", lambda _request, work, *_, **__: work)
    context = run({"trials": 1, "seed": 17}, train={"epochs": 1})

    [trial] = given["search"](context).facts["trials"]
    runs = runs_of(context)
    by_command = commands.search("tiny", as_of=str(AS_OF))(context)

    assert [run.data.metrics["validation_loss"] for run in runs] == [trial["loss"]]
    assert by_command[AS_OF][0].facts["trials"] == [trial]
    assert [run.info.run_id for run in runs_of(context)] == [run.info.run_id for run in runs]


def runs_of(context):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=context.environment.mlflow.tracking_uri)
    experiment = client.get_experiment_by_name(context.case.case)
    return client.search_runs([experiment.experiment_id])


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
