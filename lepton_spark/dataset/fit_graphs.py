"""Fit graphs: statistics of the properties of nodes, over the nodes of all training rows."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from lepton_spark.dataset import passes
from lepton_spark.dataset.graphs import FAULTS, Graph, GraphLists, Property
from lepton_spark.dataset.number_lists import number_lists
from lepton_spark.dataset.statistics import Bounds, summarise
from lepton_spark.errors import DataError

if TYPE_CHECKING:
    from lepton_spark.dataset.scan import Scan

logger = logging.getLogger(__name__)


def fit_graphs(scan: Scan, asked: Sequence[GraphLists], quantile: float) -> tuple[Graph, ...]:
    """Fit each graph in three passes over its own columns; none where none is asked for.

    Args:
        scan: Training rows, less those of which any graph has a fault.
        asked: What the columns are.
        quantile: Properties are clipped to it and its mirror.

    Returns:
        One for each that was asked for, in their order.

    Raises:
        DataError: No training row has a graph with a node.
    """
    others = tuple(each for each in scan.refusing if each not in asked)
    whole = replace(scan, refusing=others)
    return tuple(_fitted(scan, lists, quantile, _faults(whole, lists)) for lists in asked)


def _faults(scan: Scan, lists: GraphLists) -> str:
    """How many rows have which fault, in words; empty where none has one."""

    def count(tables: Iterator[pa.Table]) -> bytes:
        """How many rows of one task have each fault, as a JSON list in the order of `FAULTS`."""
        codes = [np.zeros(0, np.int8), *(lists.faults(lists.read(table)) for table in tables)]
        return json.dumps(
            np.bincount(np.concatenate(codes), minlength=len(FAULTS)).tolist()
        ).encode()

    counts = np.sum([json.loads(blob) for blob in scan.collect(lists.columns, count)], axis=0)
    told = "; ".join(
        f"{number} {fault}" for fault, number in zip(FAULTS[1:], counts[1:], strict=True) if number
    )
    if told:
        logger.warning("training rows without a graph %s, left out: %s", lists.name, told)
    return told


def _fitted(scan: Scan, lists: GraphLists, quantile: float, faults: str) -> Graph:
    names = lists.nodes

    def nodes_of(rows: pa.Table) -> pa.Table:
        """One row a node: the numbers of all nodes of all graphs, end to end."""
        return pa.table({name: number_lists(rows, name).values for name in names})

    def survey(tables: Iterator[pa.Table]) -> bytes:
        """As for a column of numbers, of the nodes of one task."""
        return passes.survey(map(nodes_of, tables), names, ())

    _, surveys = passes.total_survey(scan.collect(names, survey))
    if not surveys or not surveys[0].count:
        raise _no_graph(lists, faults)
    bounds = {name: Bounds.of(each, quantile) for name, each in zip(names, surveys, strict=True)}

    def detail(tables: Iterator[pa.Table]) -> bytes:
        """Counts of the nodes' values between the bounds of the first pass."""
        return passes.detail(map(nodes_of, tables), bounds)

    totals = passes.total_detail(scan.collect(names, detail))
    return Graph(
        lists,
        tuple(
            Property(summary.low, summary.high, summary.mean, summary.deviation or 1.0)
            for summary in map(summarise, surveys, bounds.values(), totals)
        ),
    )


def _no_graph(lists: GraphLists, faults: str) -> DataError:
    return DataError(
        "LS-2173",
        f"no training row has a graph {lists.name} with a node: {faults or 'all are empty'}",
        "each column of a graph holds a list of numbers, such as [0, 1], and edges name nodes from"
        " 0 on",
        f"correct features.graphs.{lists.name}, or the source",
    )
