from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lepton_spark.cli import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def conf(tmp_path):
    shutil.copytree(ROOT / "conf" / "env", tmp_path / "conf" / "env")
    return tmp_path / "conf"


def answer(capsys) -> dict[str, object]:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_cases_are_listed_with_what_they_predict(capsys):
    assert main(["cases", "--conf-dir", str(ROOT / "conf"), "--json"]) == 0
    assert "flight_delay" in answer(capsys)["cases"]


def test_a_folder_without_cases_says_how_to_begin(conf, capsys):
    assert main(["cases", "--conf-dir", str(conf)]) == 0
    assert "lepton new" in capsys.readouterr().out


def test_a_new_case_passes_its_check(conf, capsys):
    assert main(["new", "pumps", "--conf-dir", str(conf)]) == 0
    assert len(answer(capsys)["files"]) == 3
    assert main(["check", "pumps", "--conf-dir", str(conf)]) == 0
    assert answer(capsys)["cases"] == ["pumps"]


def test_a_new_case_in_an_empty_folder_brings_the_environment_of_this_machine(tmp_path, capsys):
    conf = tmp_path / "conf"

    assert main(["new", "pumps", "--conf-dir", str(conf)]) == 0

    assert len(answer(capsys)["files"]) == 4
    assert (conf / "env/local.yml").read_text() == (ROOT / "conf/env/local.yml").read_text()
    assert main(["check", "pumps", "--conf-dir", str(conf)]) == 0


def test_a_case_that_is_there_is_not_overwritten(conf):
    main(["new", "pumps", "--conf-dir", str(conf)])
    file = conf / "cases" / "pumps.yml"
    file.write_text("mine")

    assert main(["new", "pumps", "--conf-dir", str(conf)]) == 2
    assert file.read_text() == "mine"


def test_a_name_cannot_lead_elsewhere(conf, tmp_path):
    assert main(["new", "../x", "--conf-dir", str(conf)]) == 2
    assert not (tmp_path / "x.yml").exists()


def test_the_schema_describes_the_keys_of_a_case(capsys):
    assert main(["check", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"sources", "predict", "features", "gate"} <= schema["properties"].keys()
