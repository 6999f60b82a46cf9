"""Scores of many rows: workers read row groups of a pinned table, transform and predict them."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import ArrayType, DoubleType, StructField, StructType

from lepton_spark.dataset.reader import read_table
from lepton_spark.models.output import Output
from lepton_spark.models.predictor import Predictions, Predictor, load_predictor
from lepton_spark.train.bundle import Bundle, check_columns

if TYPE_CHECKING:
    from datetime import date

    import numpy.typing as npt
    from pyspark.sql import DataFrame
    from pyspark.sql.types import DataType

    from lepton_spark.dataset.transform import FeatureTransform
    from lepton_spark.lake.file_plan import FilePlan, FileSlice

logger = logging.getLogger(__name__)
ROWS_AT_ONCE = 16_384
_BYTES_AT_ONCE = 64 * 1024 * 1024  # of tensors; images are wide
_MOST_LOADED = 8


def predict(
    rows: DataFrame,
    bundles: Mapping[str, Bundle],
    *,
    keep: Sequence[str],
    plan: FilePlan | None = None,
    where: tuple[str, date] | None = None,
) -> DataFrame:
    """Score rows with one or more models.

    Args:
        rows: At least the columns to keep and those that the models were fitted with.
        bundles: By name; their digests have been checked.
        keep: Columns of `rows` that are given back.
        plan: Row groups that hold `rows`, read by the workers themselves; where it is missing or
            unfit the rows go through the JVM, which takes 1.4 to 1.8 times as long.
        where: A column, and its value in `rows`, where the row groups hold other rows too.

    Returns:
        Lazy: the kept columns and `p_<name>` of each model, double where it says one number of a
        row, else an array of doubles; null where the model's transform refuses the row.

    Raises:
        ModelError: A column that a model was fitted with is missing.
    """
    scorer = _Scorer.of(rows.schema, bundles, keep, where)
    for bundle in bundles.values():
        # By name: the order in the table does not matter to a model, a missing column does.
        check_columns(bundle, [name for name in bundle.transform.columns if name in rows.columns])
    spark = rows.sparkSession
    content = spark.sparkContext.broadcast({n: dict(b.files) for n, b in bundles.items()})
    if plan is not None and plan.unfit is not None:
        logger.info("%s is read through Spark: %s", plan.table, plan.unfit)
    if plan is None or plan.unfit is not None:

        def through_the_jvm(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            """Scores of rows that Spark read."""
            for batch in batches:
                yield from scorer.score(pa.Table.from_batches([batch]), content.value)

        return rows.select(*scorer.columns).mapInArrow(through_the_jvm, scorer.schema)
    slices = plan.slices
    logger.info("%d row groups of %s are read by the workers", len(slices), plan.table)

    def from_files(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Scores of the row groups of these numbers, read here."""
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from scorer.score(scorer.read(slices[number]), content.value)

    # One task a row group; the numbers are all that the JVM hands over.
    numbers = spark.range(0, len(slices), 1, max(1, len(slices)))
    return numbers.mapInArrow(from_files, scorer.schema)


@dataclass(frozen=True)
class _Scorer:
    """What a worker does, apart from the models themselves.

    Args:
        digests: Of the bundles by name; a worker keeps what it loaded under these.
        columns: Columns to read: to keep, then those of the models.
        rows_at_once: How many are turned into tensors and scored together.
        where: A column, and its value in the rows of a file that are scored; None for all.
    """

    digests: Mapping[str, str]
    columns: tuple[str, ...]
    keep: tuple[str, ...]
    schema: StructType
    rows_at_once: int
    where: tuple[str, date] | None

    @classmethod
    def of(
        cls,
        schema: StructType,
        bundles: Mapping[str, Bundle],
        keep: Sequence[str],
        where: tuple[str, date] | None,
    ) -> _Scorer:
        """What a worker needs to score rows of this schema with these bundles."""
        inputs = [name for bundle in bundles.values() for name in bundle.transform.columns]
        widths = (bundle.transform.specs.values() for bundle in bundles.values())
        widest = max((sum(spec.num_bytes for spec in specs) for specs in widths), default=1)
        scores = [StructField(f"p_{name}", _type_of(each)) for name, each in bundles.items()]
        return cls(
            digests={name: bundle.digest for name, bundle in bundles.items()},
            columns=tuple(dict.fromkeys([*keep, *inputs])),
            keep=tuple(keep),
            schema=StructType([schema[name] for name in keep] + scores),
            rows_at_once=max(1, min(ROWS_AT_ONCE, _BYTES_AT_ONCE // max(1, widest))),
            where=where,
        )

    def read(self, piece: FileSlice) -> pa.Table:
        """The rows of a row group that are wanted; an empty table without columns for none."""
        if self.where is None:
            return read_table(piece.path, piece.row_group, self.columns)
        name, value = self.where
        is_wanted = pc.equal(read_table(piece.path, piece.row_group, [name])[name], value)
        # Most row groups of a table of many days hold none of one day: only its column is read.
        if not pc.any(is_wanted).as_py():
            return pa.table({})
        return read_table(piece.path, piece.row_group, self.columns).filter(is_wanted)

    def score(
        self, rows: pa.Table, content: Mapping[str, Mapping[str, bytes]]
    ) -> Iterator[pa.RecordBatch]:
        """What is kept of each row and its scores, in the order of the rows."""
        schema = to_arrow_schema(self.schema, timezone="UTC")
        for start in range(0, rows.num_rows, self.rows_at_once):
            part = rows.slice(start, self.rows_at_once).combine_chunks()
            scores = self._predict(part, content)
            kept = [part.column(name) for name in self.keep]
            table = pa.table([*kept, *scores], names=schema.names).cast(schema)
            yield from table.to_batches()

    def _predict(
        self, rows: pa.Table, content: Mapping[str, Mapping[str, bytes]]
    ) -> list[pa.Array]:
        scores, blocks = [], {}
        for name, digest in self.digests.items():
            model = _load(digest, content[name])
            if model.transform_digest not in blocks:
                transform = model.transform
                blocks[model.transform_digest] = transform.apply(rows), transform.refused(rows)
            block, is_refused = blocks[model.transform_digest]
            scores.append(_as_arrow(model.predictor.predict(block), is_refused))
        return scores


def _type_of(bundle: Bundle) -> DataType:
    return DoubleType() if Output.read(bundle.spec).width == 1 else ArrayType(DoubleType())


def _as_arrow(found: Predictions, is_refused: npt.NDArray[np.bool_]) -> pa.Array:
    """One number, or a list of them, a row."""
    rows, width = found.shape
    if width == 1:
        return pa.array(found[:, 0], mask=is_refused)
    offsets = np.arange(rows + 1, dtype=np.int32) * width
    return pa.ListArray.from_arrays(offsets, found.reshape(-1), mask=pa.array(is_refused))


@dataclass(frozen=True)
class _Loaded:
    transform: FeatureTransform
    transform_digest: str
    predictor: Predictor


_loaded: dict[str, _Loaded] = {}


def _load(digest: str, files: Mapping[str, bytes]) -> _Loaded:
    """The model of a bundle, made once in each worker process."""
    if digest not in _loaded:
        if len(_loaded) >= _MOST_LOADED:
            _loaded.clear()
        bundle = Bundle(files)
        transform = bundle.transform
        predictor = load_predictor(bundle.spec, files)
        _loaded[digest] = _Loaded(transform, transform.digest, predictor)
        # After each task Spark has its worker look for garbage: among all that TensorFlow is made
        # of that takes .2 s, unless it is told that what is there now stays. Models that were put
        # away are thawed first, as they hold themselves in cycles.
        gc.unfreeze()
        gc.collect()
        gc.freeze()
    return _loaded[digest]
