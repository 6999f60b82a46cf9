"""All promises, in their order: every module of a number."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

PROMISES = tuple(
    import_module(f"tests.promises.{path.stem}").PROMISE
    for path in sorted(Path(__file__).parent.glob("p[0-9][0-9]_*.py"))
)
