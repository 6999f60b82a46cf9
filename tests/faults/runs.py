"""Runs in processes of their own, on the JVM of the test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CHILD = Path(__file__).with_name("child.py")
_DEADLINE_SECONDS = 300


class Runs:
    """Starts children and collects how they ended."""

    def __init__(self, spark: Any) -> None:
        gateway = spark.sparkContext._gateway.java_parameters
        self.environment = {
            **os.environ,
            "PYSPARK_GATEWAY_PORT": str(gateway.port),
            "PYSPARK_GATEWAY_SECRET": gateway.auth_token,
            "PYTHONPATH": str(CHILD.parents[2]),
            "LEPTON_ALLOW_FAULTS": "1",
        }
        self.started: list[subprocess.Popen[str]] = []

    def start(
        self, lakehouse: Path, run_id: str, fault: str = "", pause_at: str = "", without: str = ""
    ) -> subprocess.Popen[str]:
        lakehouse.mkdir(parents=True, exist_ok=True)
        child = subprocess.Popen(
            [sys.executable, str(CHILD), str(lakehouse), run_id, pause_at, without],
            env={**self.environment, "LEPTON_FAULT": fault},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(child)
        return child

    def end(self) -> None:
        for child in self.started:
            child.kill()
            child.wait()


def wait_for(is_so: Any) -> None:
    """Wait until something is so, within a generous deadline."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def said_by(child: subprocess.Popen[str]) -> Mapping[str, Any]:
    """What a child that ended well said."""
    out, err = child.communicate(timeout=_DEADLINE_SECONDS)
    assert child.returncode == 0, err
    found: Mapping[str, Any] = json.loads(out.splitlines()[-1])
    return found
