from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from importlib import metadata

import pytest

from lepton_spark.train.checkpoint import ask_to_stop
from lepton_spark.train.local import LocalBackend
from lepton_spark.train.network import fit_network
from tests.train.planted import job_on, rows_of

ROWS = rows_of(400)
FINGERPRINT = """
import sys
from pathlib import Path
from tests.train.planted import job_on, rows_of
payload = job_on(rows_of(400), Path(sys.argv[1])).payload(1)
print(payload["libraries"], "tensorflow" in sys.modules, "keras" in sys.modules)
"""


@pytest.mark.parametrize("name", ["tensorflow", "keras"])
def test_a_state_of_another_version_of_a_library_is_not_taken(tmp_path, monkeypatch, name):
    job, version = job_on(ROWS, tmp_path), metadata.version
    before = job.payload(1)["fingerprint"]

    assert job.payload(1)["fingerprint"] == before
    monkeypatch.setattr(
        metadata, "version", lambda each: "99" if each.startswith(name) else version(each)
    )
    assert job.payload(1)["fingerprint"] != before


def test_the_versions_are_read_and_the_libraries_are_not_loaded(tmp_path):
    said = subprocess.run(
        [sys.executable, "-c", FINGERPRINT, str(tmp_path)],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip

    installed = metadata.packages_distributions()
    found = {name: [metadata.version(installed[name][0])] for name in ("tensorflow", "keras")}
    assert said.strip() == f"{found} False False"


@pytest.mark.parametrize("changed", [{"launcher": "local"}, {"checkpoint_minutes": 1}])
def test_a_state_from_before_a_change_that_decides_no_weight_is_taken(tmp_path, changed):
    job = job_on(ROWS, tmp_path)
    other = replace(job, train=job.train.model_copy(update=changed))

    assert other.payload(2)["fingerprint"] == job.payload(2)["fingerprint"]


@pytest.mark.tensorflow
def test_a_stop_that_a_killed_run_left_does_not_end_the_next_one(tmp_path):
    job = job_on(ROWS, tmp_path, epochs=2)
    ask_to_stop(job.checkpoint)

    assert len(fit_network(LocalBackend(), job, 1).history) == 2
