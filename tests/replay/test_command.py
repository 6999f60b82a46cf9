"""`lepton quarantine` from its options to its last line, on files of a case."""

from __future__ import annotations

import json
import logging

import pytest
import yaml

from lepton_spark.bronze.stage import land
from lepton_spark.cli import main
from lepton_spark.config.contract_writer import contract_text
from lepton_spark.silver.stage import refine
from tests.conftest import TINY_CASE, environment_at
from tests.replay.test_stage import AFTER, CASE, CONTRACTS, FILE, GOOD, LINES, OTHER, OTHER_LINES
from tests.small_lake import SmallLake

pytestmark = pytest.mark.spark

MEND = 'sources.visits.clean.weight.number.decimal=","'


@pytest.fixture(autouse=True)
def logging_as_before():
    root, ours = logging.getLogger(), logging.getLogger("lepton_spark")
    before = (root.handlers[:], root.level, ours.level)
    yield
    root.handlers[:], root.level, ours.level = before[0], before[1], before[2]


@pytest.fixture
def lake(spark, tmp_path):
    made = SmallLake(spark, tmp_path / "lake", CASE, CONTRACTS)
    gate = {"predict": {**TINY_CASE["predict"], "label": None, "split": None}, "gate": None}
    documents = {
        "cases/ward.yml": yaml.safe_dump({**TINY_CASE, **CASE, **gate}),
        "contracts/visits.odcs.yml": contract_text("visits", CONTRACTS["visits"].columns),
        "env/local.yml": yaml.safe_dump(
            environment_at(tmp_path / "lake", name="local").model_dump(mode="json")
        ),
    }
    for name, text in documents.items():
        path = tmp_path / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    made.put(FILE, LINES)
    made.put(OTHER, OTHER_LINES)
    context = made.context()
    land(context)
    refine(context)
    return made


def test_a_list_then_a_replay_and_the_same_replay_again(lake, capsys):
    conf = lake.folder.parent / "conf"

    def said(*arguments):
        assert main(["quarantine", "ward", "--conf-dir", str(conf), *arguments]) == 0
        return capsys.readouterr().out

    listed = said("--reason", "not_number")
    assert f"{FILE}:3, {FILE}:5, {FILE}:7" in listed
    assert "what usually mends it\n  not_number  set number.decimal" in listed
    assert "70,5" not in listed
    assert json.loads(listed.splitlines()[-1])["as_of"] is None

    replay = ("--replay", "--as-of", "2024-02-29", "--set", MEND)
    first, second = said(*replay), said(*replay)

    assert "visits: 8 rows judged again, 3 of them are good now" in first
    assert json.loads(first.splitlines()[-1])["status"] == "done"
    assert json.loads(second.splitlines()[-1])["status"] == "already_done"
    assert lake.rows("visits", "visit", "weight", "_row") == GOOD
    assert lake.quarantined() == AFTER
