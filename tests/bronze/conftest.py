from __future__ import annotations

import pytest

from lepton_spark.bronze.arrivals import ALWAYS, LandedFile
from tests.bronze.landed_files import STAMP


@pytest.fixture
def landed(tmp_path):
    """Put a file there, as a listing finds it."""

    def put(content, name="a.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return LandedFile(name, str(path), len(content), STAMP.ingested_at, ALWAYS)

    return put
