"""A side of a benchmark as a process of its own, which prints what it reached as JSON."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)
ROOT = Path(__file__).parents[1]
PETASTORM = "petastorm"
# Petastorm needs packages that ours do not bear: a Python with `petastorm==0.13.1
# tensorflow-cpu==2.15.* pyarrow==14.0.2 numpy<1.26 pandas<2.2 setuptools<70 pyspark==3.5.*`.
PETASTORM_PYTHON = os.environ.get("PETASTORM_PYTHON")


def answer_of(program: Sequence[str], *, python: str = sys.executable) -> dict[str, Any]:
    """The last line that a program prints.

    Args:
        program: Its file, or `-m` and its module, and its arguments.
        python: That runs it, from the root of the repository.

    Raises:
        RuntimeError: Its process failed.
    """
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [python, *program], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(program)}: {done.stderr[-800:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def petastorm_sides(*names: str) -> tuple[str, ...]:
    """These sides; none, and a word on it, where there is no Python with Petastorm."""
    if PETASTORM_PYTHON:
        return names
    logger.warning("petastorm is left out: PETASTORM_PYTHON is not set")
    return ()
