"""From an organisation's raw tables to nightly predictions on its own Spark cluster."""

from __future__ import annotations

__version__ = "0.1.0"
