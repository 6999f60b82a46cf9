"""An MLflow database without anything in it."""

from __future__ import annotations

import pytest

from lepton_spark.registry import store


@pytest.fixture(scope="session")
def database(tmp_path_factory):
    """The file of an empty database, made once: that takes seconds."""
    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    store._client(f"sqlite:///{file}")
    return file
