"""README says what was measured, and names what there is."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from benchmarks.figures import (
    ALL_FIGURES,
    DEMO,
    FIGURES,
    README,
    all_filled,
    demo,
    filled,
    number,
    summary,
    table,
)
from benchmarks.result import RESULTS, Check, ratio
from lepton_spark.cli.app import build_app
from lepton_spark.config.check import load_all
from lepton_spark.config.column import Column
from lepton_spark.config.contract_writer import contract_text

ROOT = Path(__file__).parents[2]


def test_what_the_readme_shows_is_what_the_files_hold():
    text = README.read_text()

    assert all(f"<!-- {mark} -->" in text for mark in (FIGURES, DEMO))
    assert all_filled(text) == text, "run: python -m benchmarks.figures"
    assert ALL_FIGURES.read_text() == table(), "run: python -m benchmarks.figures"


def test_a_link_of_the_readme_leads_to_the_figures_of_its_file():
    headings = re.findall(r"^## (.*)$", ALL_FIGURES.read_text(), re.M)
    links = re.findall(r"\(results/README.md#(.*?)\)", README.read_text())

    assert links == [heading.replace("/", "").lower() for heading in headings]
    assert len(links) == len(list(RESULTS.glob("*/*.json")))


def test_a_figure_that_is_not_in_a_file_would_be_seen(tmp_path):
    folder = tmp_path / "bench"
    folder.mkdir()
    check = {"what": "x", "value": 1.5, "low": 1.0, "high": 2.0, "unit": "s", "target": "<= 2",
             "holds": True}  # fmt: skip
    document = {"date": "2024-01-01", "command": "c", "machine": "m", "checks": [check]}
    (folder / "x.json").write_text(json.dumps(document))
    (tmp_path / "demo.txt").write_text("said\n")
    for mark, text in ((FIGURES, summary(tmp_path)), (DEMO, demo(tmp_path))):
        readme = f"a\n<!-- {mark} -->\n{text}<!-- /{mark} -->\nb"

        assert filled(readme, mark, text) == readme
        changed = readme.replace("1.5", "1.4").replace("said", "claimed")
        assert changed != readme
        assert filled(changed, mark, text) == readme


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*/*.json")), ids=lambda path: path.name)
def test_a_result_says_how_and_where_it_was_measured_and_whether_it_holds(path):
    found = json.loads(path.read_text())

    assert {"command", "date", "machine", "versions", "checks"} <= found.keys()
    for check in found["checks"]:
        again = Check(**{name: check[name] for name in check if name != "holds"})
        assert again.holds == check["holds"]


def test_the_commands_of_the_readme_are_there():
    commands = {command.name for command in build_app().registered_commands}
    named = set(re.findall(r"^(?:\.venv/bin/)?lepton ([a-z][a-z-]*)", README.read_text(), re.M))

    assert named
    assert named <= commands


def test_the_make_targets_of_the_readme_are_there():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"`?make ([a-z]+)", README.read_text()))

    assert named
    assert named <= targets


@pytest.mark.parametrize(("value", "text"), [(0.68989, "0.6899"), (12.345, "12.35"), (3.0, "3"),
                                             (340000.0, "340,000"), (0.0, "0")])  # fmt: skip
def test_a_number_has_the_digits_that_count(value, text):
    assert number(value) == text


def test_a_ratio_has_an_interval_around_it():
    middle, low, high = ratio([2.0, 2.2, 1.8], [1.0, 1.1, 0.9])

    assert low <= middle <= high
    assert middle == pytest.approx(2.0, abs=0.2)


def test_the_case_and_the_contract_of_the_readme_are_right(tmp_path):
    conf = tmp_path / "conf"
    shutil.copytree(ROOT / "conf" / "env", conf / "env")
    for folder, name, text in (
        ("cases", "parcels.yml", shown("case")),
        ("contracts", "parcels.odcs.yml", shown("contract")),
        ("contracts", "customers.odcs.yml", contract("customers", CUSTOMERS)),
        ("contracts", "returns.odcs.yml", contract("returns", RETURNS)),
    ):
        path = conf / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    assert load_all(conf, "parcels", "local").case.has_aim


def shown(mark: str) -> str:
    found = re.search(f"<!-- {mark} -->\n```yaml\n(.*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


CUSTOMERS = {"customer": "string", "country": "string"}
RETURNS = {
    "parcel": "integer",
    "customer": "string",
    "shop": "string",
    "country": "string",
    "is_back": "boolean",
    "refund": "number",
    "reason": "string",
    "returned_at": "timestamp",
}


def contract(name: str, columns: dict[str, str]) -> str:
    return contract_text(name, [Column(column, kind) for column, kind in columns.items()])
