"""The import contracts hold, and each of them would catch a break."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).parent / "lint-imports"

BREAKS = {
    "A stage imports only what lies upstream of it": (
        "lake/files.py", "import lepton_spark.bronze.stage",
    ),
    "Only stages write lake tables": ("silver/conform.py", "import lepton_spark.lake.tables"),
    "A stage is never imported by another stage": (
        "silver/stage.py", "import lepton_spark.bronze.stage",
    ),
    "Code that runs in training and scoring workers knows nothing of Spark": (
        "models/network.py", "import pyspark",
    ),
    "The data path runs without TensorFlow": ("bronze/stage.py", "import tensorflow"),
}  # fmt: skip


@pytest.mark.parametrize("contract", BREAKS)
def test_a_contract_catches_a_break(contract, tmp_path):
    module, line = BREAKS[contract]
    copy = tmp_path / "lepton_spark"
    shutil.copytree(ROOT / "lepton_spark", copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    broken = copy / module
    future = "from __future__ import annotations\n"
    text = broken.read_text() if broken.exists() else f'"""New."""\n\n{future}'
    broken.write_text(text.replace(future, f"{future}\n{line}\n", 1))

    said = subprocess.run(
        [PROGRAM, "--no-cache"],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert said.returncode == 1
    assert f"{contract} BROKEN" in said.stdout


def imported_by(statement: str) -> set[str]:
    probe = (
        f"import sys\n{statement}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    )
    said = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(said.stdout.split())


HEAVY = {"pyspark", "delta", "tensorflow", "keras", "horovod", "mlflow", "xgboost", "pandas"}


@pytest.mark.parametrize(
    "statement",
    [
        "import lepton_spark.cli",
        "import lepton_spark.config.check",
        "import lepton_spark.job.run",
        "from lepton_spark.cli import main; assert main(['check', 'flight_delay']) == 0",
    ],
)
def test_checking_a_case_starts_nothing_heavy(statement):
    assert imported_by(statement) & HEAVY == set()


def test_a_heavy_import_would_be_seen():
    assert imported_by("import pyspark") & HEAVY == {"pyspark"}
