"""Which figures the READMEs show."""

from __future__ import annotations

import json

import pytest

from benchmarks.figures import summary, table

CHECKS = ("shown", "slow", "quick", "two", "ten")


def check(what, value, target="", holds=None):
    return {"what": what, "value": value, "unit": "s", "target": target, "holds": holds}


@pytest.fixture
def results(tmp_path):
    for name, checks in {
        "bench/x": [check("shown", 9), check("slow", 3, "<= 2", holds=False),
                    check("quick", 1, "<= 2", holds=True)],
        "promises/P10": [check("ten", 0, "<= 0", holds=True)],
        "promises/P2": [check("two", 0, "<= 0", holds=True)],
    }.items():  # fmt: skip
        path = tmp_path / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        document = {"date": "2024-01-01", "command": "c", "machine": "m", "checks": checks}
        path.write_text(json.dumps(document))
    return tmp_path


def test_all_figures_are_in_the_table_whoever_wins(results):
    names = [line.split(" | ")[0].strip("| ") for line in table(results).splitlines()]

    assert [name for name in names if name in CHECKS] == list(CHECKS)


def test_the_summary_shows_the_first_target_of_a_file_and_counts_those_that_missed(results):
    _, _, line, *others = summary(results).splitlines()

    assert line.startswith("| slow | 3 s | <= 2 s | **missed** | [1 of 2](")
    assert [other.split(" | ")[0] for other in others] == ["| two", "| ten"]
