"""What `lepton features` says without computing any."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lepton_spark.cli import main

CONF = str(Path(__file__).parents[2] / "conf")


def test_one_feature_is_explained_as_text_and_as_json_and_spark_is_not_imported(capsys):
    before = set(sys.modules)
    assert main(["features", "flight_delay", "--explain", "weather_temp", "--conf-dir", CONF]) == 0

    text = capsys.readouterr().out
    assert text.startswith("weather_temp\n  what      temp of the last row, number\n")
    facts = json.loads(text.splitlines()[-1])
    assert [each["name"] for each in facts["features"]] == ["weather_temp"]
    assert facts["features"][0]["reads"] == ["weather.origin", "weather.temp"]
    assert "pyspark" not in set(sys.modules) - before


def test_all_features_are_explained_in_the_order_of_the_table(capsys):
    given = ["features", "flight_delay", "--explain", "all", "--json", "--conf-dir", CONF]
    assert main(given) == 0

    names = [each["name"] for each in json.loads(capsys.readouterr().out)["features"]]
    assert names[0] == "carrier"
    assert names[-1].startswith("outcomes_by_origin_hour_28d_")
    assert len(names) == 148


def test_an_unknown_feature_is_told_with_the_nearest_one(capsys):
    assert main(["features", "flight_delay", "--explain", "weathr_temp", "--conf-dir", CONF]) == 2

    told = capsys.readouterr()
    assert json.loads(told.out)["code"] == "LS-0218"
    assert "did you mean weather_temp?" in told.err


def test_to_compute_them_a_date_is_needed(capsys):
    assert main(["features", "flight_delay", "--conf-dir", CONF]) == 2
    assert json.loads(capsys.readouterr().out)["code"] == "LS-0202"


def test_a_leak_report_of_a_case_without_the_time_of_facts_starts_nothing(capsys):
    given = ["features", "flight_delay", "--leak-report", "--as-of", "2013-12-01"]
    assert main([*given, "--conf-dir", CONF]) == 10

    told = capsys.readouterr()
    assert json.loads(told.out)["code"] == "LS-1089"
    assert "add sources.weather.happened_at" in told.err
