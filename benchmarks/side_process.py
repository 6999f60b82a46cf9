"""A side of a benchmark as a process of its own, which prints what it reached as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


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
