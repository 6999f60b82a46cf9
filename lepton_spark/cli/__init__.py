"""The command `lepton`: reads arguments, runs stages or checks, prints tables and one JSON line."""

from __future__ import annotations

from lepton_spark.cli.app import main

__all__ = ["main"]
