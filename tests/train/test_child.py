from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lepton_spark.errors import DataError
from lepton_spark.lake.process import is_alive
from lepton_spark.train.judge import Verdict, error_of
from lepton_spark.train.rank import ERROR, JOB, Beat, describe, is_lost

PARENT = """
import subprocess, sys, os, time
code = (
    "import os, sys, time; from lepton_spark.train.rank import die_with;"
    "die_with(int(sys.argv[1])); print(os.getpid(), flush=True); time.sleep(60)"
)
subprocess.Popen([sys.executable, "-c", code, str(os.getpid())])
time.sleep(60)
"""


RANK = (
    "import sys, pathlib, lepton_spark.train.rank as r; sys.exit(r.main(pathlib.Path(sys.argv[1])))"
)


@pytest.mark.fault
def test_a_training_process_dies_with_its_supervisor():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    child = Path("/proc", parent.stdout.readline().strip())
    assert child.exists()

    parent.kill()
    parent.wait()

    deadline = time.monotonic() + 10
    while is_alive(int(child.name)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(int(child.name))


def test_a_beat_is_one_short_line_that_is_always_whole(tmp_path):
    beat = Beat(tmp_path / "beat")
    beat("epoch 1, step 1000" * 20)
    beat("epoch 2")

    assert (tmp_path / "beat").read_bytes().strip() == b"2 epoch 2"
    beat("")
    assert (tmp_path / "beat").read_bytes().strip() == b"3 epoch 2"


def raised(error):
    try:
        raise error
    except type(error) as caught:
        return describe(caught)


def test_our_errors_are_told_whole_and_foreign_ones_without_their_text():
    ours = raised(DataError("LS-2000", "what", "why", "fix"))
    foreign = raised(ValueError("could not parse 'Jane Doe'"))

    assert ours["fields"] == ["LS-2000", "what", "why", "fix", "nothing of it was published"]
    assert foreign["kind"] == "crashed"
    assert "Jane" not in str(foreign)


def test_the_text_of_an_error_about_the_machine_is_told():
    assert "No module named 'horovod'" in str(
        raised(ModuleNotFoundError("No module named 'horovod'"))
    )


def test_a_broken_ring_is_told_from_a_crash():
    assert is_lost(RuntimeError("Connection closed by peer [127.0.0.1]:123"))
    assert raised(RuntimeError("HorovodAllreduce failed"))["kind"] == "lost"
    assert not is_lost(RuntimeError("x"))
    missing = ImportError("Extension horovod.tensorflow has not been built: Horovod")
    assert raised(missing)["kind"] == "crashed"


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ModuleNotFoundError('No module named horovod')", "ModuleNotFoundError: No module"),
        ("raise ImportError('Horovod has not been built')", "ImportError: Horovod has not been"),
        (
            "import tensorflow; raise tensorflow.errors.NotFoundError(None, None, 'undefined')",
            "NotFoundError: undefined",
        ),
    ],
    ids=["absent", "half-built", "for another TensorFlow"],
)
def test_horovod_that_cannot_be_used_is_told_with_the_launcher_that_does_without(
    tmp_path, body, said
):
    package = tmp_path / "horovod" / "tensorflow"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").write_text(body)
    (tmp_path / JOB).write_text('{"entry": "a:b", "payload": {}}')
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])

    rank = subprocess.run(
        [sys.executable, "-c", RANK, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path}, check=False, timeout=280,
    )  # fmt: skip

    assert rank.returncode == 1
    error = error_of(Verdict(1, "x", json.loads((tmp_path / ERROR).read_text())), "resume")
    assert (error.code, error.exit_code) == ("LS-5047", 50)
    assert said in error.what
    assert "train.launcher: distribute" in error.fix
