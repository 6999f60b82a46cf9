"""The database of a search: on the driver's disk while it is worked on, and kept in the lake."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lepton_spark.lake import files
from lepton_spark.search.study import open_storage

if TYPE_CHECKING:
    from optuna.storages import RDBStorage


@dataclass(frozen=True)
class Database:
    """A database that is open.

    Args:
        storage: What Optuna works on.
        file: Where that is: SQLite needs a local path.
        path: Where it is kept; a path or URI.
    """

    storage: RDBStorage
    file: Path
    path: str

    def keep(self) -> None:
        """Write all that it holds now to the lake, so that it survives the driver."""
        with (
            closing(sqlite3.connect(self.file)) as live,
            closing(sqlite3.connect(":memory:")) as copy,
        ):
            live.backup(copy)
            content = copy.serialize()
        files.write_atomically(self.path, content)


@contextmanager
def open_database(path: str) -> Iterator[Database]:
    """Work on the database that the lake keeps, or on an empty one.

    Nobody else may work on it at the same time. Only what `keep` wrote is there the next time; the
    copy on the driver, which its user alone can read, is gone at the end.

    Args:
        path: Path or URI in the lake.

    Yields:
        The database.
    """
    with tempfile.TemporaryDirectory(prefix="lepton-search-") as folder:
        file = Path(folder, "study.db")
        if files.exists(path):
            file.write_bytes(files.read_bytes(path))
        storage = open_storage(str(file))
        try:
            yield Database(storage, file, path)
        finally:
            storage.engine.dispose()
