"""What a worker knows, as bytes that another one adds up: Arrow's own form, no code in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple
from typing import Any

import numpy as np
import pyarrow as pa

from lepton_spark.quality.profile.column import Column
from lepton_spark.quality.profile.comoments import CoMoments
from lepton_spark.quality.profile.distinct import Distinct
from lepton_spark.quality.profile.frequent import Frequent
from lepton_spark.quality.profile.moments import Moments
from lepton_spark.quality.profile.ranks import Ranks, Sample

_FACTS = b"facts"


def pack_column(column: Column) -> bytes:
    """A column as bytes."""
    samples = column.ranks.samples
    levels = [[_facts_of(sample) for sample in level] for level in column.ranks.levels]
    facts = {
        "counts": [column.rows, column.nulls, column.nans, column.infinite],
        "moments": astuple(column.moments),
        "levels": levels,
        "error": column.frequent.error,
    }
    values = np.concatenate([sample.values for sample in samples]) if samples else np.empty(0)
    return _pack(
        facts,
        {
            "samples": pa.array(values),
            "distinct": pa.array(column.distinct.hashes),
            "hashes": pa.array(column.frequent.hashes),
            "counts": pa.array(column.frequent.counts),
            "values": column.frequent.values,
        },
    )


def read_column(content: bytes) -> Column:
    """What `pack_column` wrote."""
    facts, arrays = _read(content)
    values, levels, start = arrays["samples"].to_numpy(), [], 0
    for level in facts["levels"]:
        samples = []
        for count, *numbers in level:
            samples.append(Sample(values[start : start + count], *numbers))
            start += count
        levels.append(tuple(samples))
    frequent = Frequent(
        arrays["hashes"].to_numpy(), arrays["counts"].to_numpy(), arrays["values"], facts["error"]
    )
    rows, nulls, nans, infinite = facts["counts"]
    return Column(
        rows,
        nulls,
        nans,
        infinite,
        moments=Moments(*facts["moments"]),
        ranks=Ranks(tuple(levels)),
        distinct=Distinct(arrays["distinct"].to_numpy()),
        frequent=frequent,
    )


def pack_comoments(comoments: CoMoments) -> bytes:
    """Co-moments as bytes."""
    matrices = {name: pa.array(matrix.ravel()) for name, matrix in vars(comoments).items()}
    return _pack({"columns": len(comoments.counts)}, matrices)


def read_comoments(content: bytes) -> CoMoments:
    """What `pack_comoments` wrote."""
    facts, arrays = _read(content)
    shape = (facts["columns"], facts["columns"])
    return CoMoments(**{name: each.to_numpy().reshape(shape) for name, each in arrays.items()})


def _facts_of(sample: Sample) -> tuple[int, int, int, int]:
    """How many values a sample has, and its numbers."""
    return len(sample.values), sample.run, sample.rows, sample.error


def _pack(facts: Mapping[str, Any], arrays: Mapping[str, pa.Array]) -> bytes:
    """One row, in which each array is a list."""
    lists = [
        pa.LargeListArray.from_arrays(pa.array([0, len(array)], pa.int64()), array)
        for array in arrays.values()
    ]
    batch = pa.record_batch(lists, names=list(arrays))
    batch = batch.replace_schema_metadata({_FACTS: json.dumps(facts).encode()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return bytes(sink.getvalue())


def _read(content: bytes) -> tuple[dict[str, Any], dict[str, pa.Array]]:
    with pa.ipc.open_stream(content) as stream:
        batch = stream.read_next_batch()
    facts: dict[str, Any] = json.loads(stream.schema.metadata[_FACTS])
    return facts, {name: batch.column(name).flatten() for name in batch.schema.names}
