"""Settings of graphs that a model reads."""

from __future__ import annotations

from pydantic import Field

from lepton_spark.config.model import ColumnName, Settings

MAX_NODES, MAX_EDGES = 1024, 8192


class GraphSettings(Settings):
    """The graph of a row, such as a molecule, a session or a circuit, in lists of numbers.

    Each column is a text that holds a list, such as [0, 1, 1], as arrays of JSON and Parquet land.
    A row whose graph is missing, too large or contradicts itself is refused.
    """

    edges_from: ColumnName = Field(description="Of each edge the node it begins at, from 0.")
    edges_to: ColumnName = Field(description="Of each edge the node it ends at, from 0.")
    nodes: tuple[ColumnName, ...] = Field(
        min_length=1, max_length=64, description="Properties of nodes: each a number for each node."
    )
    max_nodes: int = Field(ge=1, le=MAX_NODES, description="A row with more nodes is refused.")
    max_edges: int = Field(ge=1, le=MAX_EDGES, description="A row with more edges is refused.")
    directed: bool = Field(
        False, description="A node hears of those whose edges end at it only, else both ways."
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them: where edges begin, where they end, properties."""
        return (self.edges_from, self.edges_to, *self.nodes)
