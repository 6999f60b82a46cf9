"""Graphs as tensors: the properties of each node, which nodes are joined, and which are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lepton_spark.dataset.number_lists import NumberLists, number_lists
from lepton_spark.dataset.tensors import TensorSpec

if TYPE_CHECKING:
    import pyarrow as pa

    from lepton_spark.config.graphs import GraphSettings

Codes = npt.NDArray[np.int8]
NO_EDGE = -1
# Why a row has no graph that a model can read; the first that is true of it, 0 where none is.
FAULTS = (
    "", "missing", "no list of numbers", "lists of unequal length", "more nodes than max_nodes",
    "more edges than max_edges", "an edge to a node that is not there",
)  # fmt: skip
_FINE, _MISSING, _NO_LIST, _UNEQUAL, _MANY_NODES, _MANY_EDGES, _NO_NODE = range(len(FAULTS))


@dataclass(frozen=True)
class GraphLists:
    """The columns of a graph, each a list of numbers in a text.

    Args:
        name: Of the graph.
        edges_from: Of each edge the node it begins at, from 0.
        nodes: Properties, each a number for each node.
    """

    name: str
    edges_from: str
    edges_to: str
    nodes: tuple[str, ...]
    max_nodes: int
    max_edges: int
    directed: bool

    @classmethod
    def of(cls, name: str, settings: GraphSettings) -> GraphLists:
        """As a case asks for it."""
        return cls(name, **settings.model_dump())

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the input columns."""
        return (self.edges_from, self.edges_to, *self.nodes)

    def read(self, rows: pa.Table | pa.RecordBatch) -> dict[str, NumberLists]:
        """The lists of each column.

        Raises:
            ModelError: A column is no text.
        """
        return {name: number_lists(rows, name) for name in self.columns}

    def is_out(self, rows: pa.Table | pa.RecordBatch) -> npt.NDArray[np.bool_]:
        """Whether each row has a fault."""
        is_out: npt.NDArray[np.bool_] = self.faults(self.read(rows)) != _FINE
        return is_out

    def faults(self, lists: Mapping[str, NumberLists]) -> Codes:
        """The place in `FAULTS` of what is wrong with the graph of each row."""
        starts, ends = lists[self.edges_from], lists[self.edges_to]
        nodes = [lists[name] for name in self.nodes]
        num_nodes, num_edges = nodes[0].lengths, starts.lengths
        # The last one that is true is overwritten by those before it.
        found = np.full(len(num_nodes), _FINE, np.int8)
        for edges in (starts, ends):
            known = num_nodes[edges.rows]
            is_node = (edges.values >= 0) & (edges.values < known) & (edges.values % 1 == 0)
            found[edges.rows[~is_node]] = _NO_NODE
        found[num_edges > self.max_edges] = _MANY_EDGES
        found[num_nodes > self.max_nodes] = _MANY_NODES
        for other, count in ((ends, num_edges), *((each, num_nodes) for each in nodes)):
            found[other.lengths != count] = _UNEQUAL
        for each in lists.values():
            found[~each.is_list] = _NO_LIST
        for each in lists.values():
            found[each.is_missing] = _MISSING
        return found


@dataclass(frozen=True)
class Property:
    """One property of nodes: clip to `[low, high]`, then `(value - mean) / scale`."""

    low: float
    high: float
    mean: float
    scale: float


@dataclass(frozen=True)
class Graph:
    """A graph of each row, padded to one size.

    Args:
        properties: Of each of `lists.nodes`.
    """

    lists: GraphLists
    properties: tuple[Property, ...]

    @property
    def tensor(self) -> str:
        """What the names of its three tensors begin with."""
        return f"graph_{self.lists.name}"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Nodes, properties and edges of a row; what has no direction is an edge each way."""
        edges = self.lists.max_edges * (1 if self.lists.directed else 2)
        return self.lists.max_nodes, len(self.properties), edges

    @property
    def specs(self) -> dict[str, TensorSpec]:
        """What each tensor holds of a row."""
        nodes, channels, edges = self.shape
        return {
            f"{self.tensor}_nodes": TensorSpec((nodes, channels), "float32"),
            f"{self.tensor}_edges": TensorSpec((edges, 2), "int32"),
            f"{self.tensor}_mask": TensorSpec((nodes,), "float32"),
        }

    def apply(self, rows: pa.Table | pa.RecordBatch) -> dict[str, npt.NDArray[Any]]:
        """Turn rows into the tensors of `specs`.

        Nodes are in the order of the lists, then zeros; edges are pairs of nodes, from and to,
        then -1; the mask is 1 where there is a node. A row with a fault has an empty graph.

        Raises:
            ModelError: A column is no text.
        """
        lists = self.lists.read(rows)
        is_fine = self.lists.faults(lists) == _FINE
        found = {name: spec.empty(rows.num_rows) for name, spec in self.specs.items()}
        nodes, edges, mask = found.values()
        edges[:] = NO_EDGE
        for channel, (name, each) in enumerate(zip(self.lists.nodes, self.properties, strict=True)):
            row, place, values = _of_rows(lists[name], is_fine)
            nodes[row, place, channel] = (np.clip(values, each.low, each.high) - each.mean) / (
                each.scale
            )
            mask[row, place] = 1.0
        for end, name in enumerate((self.lists.edges_from, self.lists.edges_to)):
            row, place, values = _of_rows(lists[name], is_fine)
            edges[row, place, end] = values
            if not self.lists.directed:
                edges[row, self.lists.max_edges + place, 1 - end] = values
        return found

    def check(self) -> None:
        """Raise ValueError where a size or a statistic cannot be."""
        lists = self.lists
        if min(lists.max_nodes, lists.max_edges, len(lists.nodes)) < 1:
            raise ValueError("sizes of a graph")
        if len(lists.nodes) != len(self.properties):
            raise ValueError("properties of a graph")
        for each in self.properties:
            values = (each.low, each.high, each.mean, each.scale)
            if not all(map(isfinite, values)) or each.scale <= 0 or each.low > each.high:
                raise ValueError("out of order")


def graph_of(document: Mapping[str, Any]) -> Graph:
    """From a JSON document."""
    lists = document["lists"]
    return Graph(
        GraphLists(**{**lists, "nodes": tuple(lists["nodes"])}),
        tuple(Property(**each) for each in document["properties"]),
    )


def _of_rows(
    lists: NumberLists, is_wanted: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Row, place and value of the values of some rows."""
    is_kept = is_wanted[lists.rows]
    return lists.rows[is_kept], lists.places[is_kept], lists.values[is_kept]
