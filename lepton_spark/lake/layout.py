"""How the Parquet files of a publication are laid out, for the workers that will read them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyspark.sql.types import DoubleType, FloatType

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.lake.publication import Publication


@contextmanager
def writing(rows: DataFrame, publication: Publication) -> Iterator[None]:
    """Settings of the rows' session while they are written; taken back afterwards.

    Delta passes no writer option on to Parquet, so the session has to carry them.
    """
    session = rows.sparkSession
    # A dictionary makes files of floats larger and slower to decode.
    settings = {
        f"parquet.enable.dictionary#{field.name}": "false"
        for field in rows.schema
        if isinstance(field.dataType, FloatType | DoubleType)
    }
    if publication.row_group_rows is not None:
        settings["parquet.block.row.count.limit"] = str(publication.row_group_rows)
    before = {name: session.conf.get(name, None) for name in settings}
    for name, setting in settings.items():
        session.conf.set(name, setting)
    try:
        yield
    finally:
        for name, setting_before in before.items():
            if setting_before is None:
                session.conf.unset(name)
            else:
                session.conf.set(name, setting_before)
