"""Spark's resource scheduling gives each rank a GPU, found by a discovery script."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.spark, pytest.mark.horovod, pytest.mark.slow, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]


def test_each_rank_sees_the_gpu_of_its_task(tmp_path):
    script = tmp_path / "gpus.sh"
    script.write_text("""#!/bin/sh\necho '{"name": "gpu", "addresses": ["4", "7"]}'\n""")
    script.chmod(0o755)
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}

    done = subprocess.run(
        [sys.executable, "-m", "tests.train.gpu_cluster", str(script)],
        cwd=tmp_path,  # Spark makes its work folder there
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert [each["size"] for each in found] == [2, 2]
    assert {each["LEPTON_GPU"] for each in found} == {"4", "7"}  # one each, on one host
    for each in found:
        assert each["CUDA_VISIBLE_DEVICES"] == each["LEPTON_GPU"]
