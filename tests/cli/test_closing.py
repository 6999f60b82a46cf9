from __future__ import annotations

from dataclasses import replace
from datetime import date

from lepton_spark.cli.closing import closing
from lepton_spark.config.environment import Environment
from lepton_spark.context import StageResult
from lepton_spark.job.ending import DONE
from lepton_spark.job.outcome import Outcome
from lepton_spark.job.request import Request

PLACE = Environment.model_validate(
    {"name": "local", "lakehouse": "/lake", "mlflow": {"tracking_uri": "sqlite:////lake/mlflow.db"}}
)
AUC = {"value": 0.7012, "low": 0.68, "high": 0.72}
MODEL = {"model": "table_mlp", "verdict": "pass", "auc": AUC, "pr_auc": AUC, "log_loss": AUC,
         "brier": {"value": None, "low": None, "high": None}}  # fmt: skip
RESULTS = [
    StageResult("land", facts={"sources": {"a": {"records": 1000, "files": 3}, "b": {}}}),
    StageResult("refine", facts={"sources": {"a": {"refused": 7, "reasons": {"null_key": 7}}}}),
    StageResult("dataset", facts={"features": 12, "rows": {"train": 800, "test": 100}}),
    StageResult("evaluate", facts={"models": [MODEL]}),
    StageResult(
        "register",
        facts={"promoted": "table_mlp", "model_version": "1", "champion": "1", "is_new": True},
    ),
]
SCORED = [StageResult("score", facts={"scored": 42})]
REQUEST = Request("run", "plant", date(2024, 3, 2))


def told(nights: dict[date, list[StageResult]], request: Request = REQUEST) -> str:
    return closing(Outcome(request, "r-1", DONE, "score", 1.0, nights), PLACE)


def test_all_that_a_person_asks_is_told():
    text = told({REQUEST.as_of: RESULTS, date(2024, 2, 27): SCORED})

    wanted = [
        "1,000 from 3 files",
        "7 to ops.quarantine: null_key 7",
        "12, as known",
        "0.701 (0.680 to 0.720)",
        "table_mlp, version 1",
        "42 of 2024-02-27",
        "/lake/gold/plant_predictions",
        "lepton nightly plant --as-of 2024-02-28",
    ]
    assert [words for words in wanted if words not in text] == []


def test_rows_that_found_no_match_are_told_by_source_and_lookup():
    facts = {"good": 1200, "unmatched": {"planes by tail": 34, "airports by origin": 0}}
    refined = StageResult("refine", facts={"sources": {"flights": facts, "weather": {"good": 5}}})

    text = told({REQUEST.as_of: [RESULTS[0], refined, *RESULTS[2:]]})

    assert "unmatched     34 of 1,200 flights found no planes by tail\n" in text
    assert "unmatched" not in told({REQUEST.as_of: RESULTS})


def test_a_metric_that_is_not_there_is_a_dash():
    text = told({REQUEST.as_of: RESULTS})
    row = next(line for line in text.splitlines() if line.startswith("table_mlp"))

    assert row.split()[-2:] == ["-", "pass"]


def test_without_a_scored_day_the_next_command_is_the_first_night():
    assert "lepton nightly plant --as-of 2024-03-02" in told({REQUEST.as_of: RESULTS})


def test_the_next_command_goes_to_the_same_place():
    request = replace(REQUEST, environment="other", overrides=("train.epochs=1",))

    assert "--env other --set train.epochs=1" in told({REQUEST.as_of: RESULTS}, request)


def test_a_case_that_predicts_nothing_ends_with_its_features():
    features = StageResult("features", facts={"rows": 1234})
    text = told({REQUEST.as_of: [*RESULTS[:2], features]})

    wanted = ["1,000 from 3 files", "1,234 rows, gold.plant_features in /lake/gold/plant_features"]
    assert [words for words in wanted if words not in text] == []
    assert "promoted" not in text


def test_a_rerun_says_which_version_scores():
    *others, registered = RESULTS
    again = replace(registered, facts={**registered.facts, "is_new": False})
    left = replace(again, facts={**again.facts, "champion": "3"})

    assert "table_mlp, version 1, already the champion" in told({REQUEST.as_of: [*others, again]})
    assert "table_mlp, version 1 before; version 3 scores" in told({REQUEST.as_of: [*others, left]})


def test_a_shell_reads_the_next_command_as_it_was_meant():
    request = replace(REQUEST, overrides=("model.hidden=[64, 32]",))

    assert "--set 'model.hidden=[64, 32]'" in told({REQUEST.as_of: RESULTS}, request)
