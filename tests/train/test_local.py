from __future__ import annotations

import builtins
import subprocess
import sys

import pytest

from lepton_spark.errors import InternalError, TrainingError
from lepton_spark.train.backend import Outcome, Work
from lepton_spark.train.local import LocalBackend

ALONE = """
import sys
sys.modules.update(horovod=None, pyspark=None)
from pathlib import Path
from lepton_spark.train.local import LocalBackend
from lepton_spark.train.network import fit_network
from tests.train.planted import job_on, rows_of
fitted = fit_network(LocalBackend(), job_on(rows_of(400), Path(sys.argv[1]), epochs=1), 1)
print(len(fitted.history))
"""


def give(worker, payload):
    assert worker.folder.is_dir()
    return Outcome({"rank": worker.rank, **payload}, {"a": b"1"})


def look_up(_worker, _payload):
    raise KeyError("a cell value that nobody may see")


def fail(_worker, payload):
    raise getattr(builtins, payload["type"])


def give_nothing(_worker, _payload):
    return None


def test_the_work_runs_here_in_a_folder_of_its_own():
    (result,) = LocalBackend().run(Work(f"{__name__}:give", {"x": 1}), 1)

    assert (result.rank, result.facts, result.files) == (0, {"rank": 0, "x": 1}, {"a": b"1"})


def test_more_than_one_process_needs_another_launcher():
    with pytest.raises(TrainingError, match="LS-6021: 2 training processes"):
        LocalBackend().run(Work(f"{__name__}:give"), 2)


@pytest.mark.parametrize("entry", ["os.system", "a:b:c", "a b:c", ""])
def test_an_entry_is_a_function_of_a_module(entry):
    with pytest.raises(InternalError, match="LS-7011"):
        LocalBackend().run(Work(entry), 1)


def test_an_entry_gives_back_an_outcome():
    with pytest.raises(InternalError, match="LS-7012"):
        LocalBackend().run(Work(f"{__name__}:give_nothing"), 1)


def test_work_that_fails_is_a_training_error_without_the_text_of_its_own():
    with pytest.raises(TrainingError, match=r"LS-6015: .* KeyError in ") as told:
        LocalBackend().run(Work(f"{__name__}:look_up"), 1)

    assert "cell value" not in str(told.value)


@pytest.mark.parametrize("error", [MemoryError, PermissionError])
def test_what_the_machine_lacks_is_left_to_who_ends_the_command(error):
    with pytest.raises(error):
        LocalBackend().run(Work(f"{__name__}:fail", {"type": error.__name__}), 1)


@pytest.mark.tensorflow
def test_one_process_trains_without_horovod_and_spark(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", ALONE, str(tmp_path)],
        capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip

    assert (run.returncode, run.stdout.strip()) == (0, "1"), run.stderr[-2000:]
