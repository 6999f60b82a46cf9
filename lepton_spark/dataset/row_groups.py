"""How many rows of a dataset lie together in its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.dataset.tensors import rows_at_once

if TYPE_CHECKING:
    from lepton_spark.config.case import Case


def row_group_rows(case: Case, num_columns: int) -> int:
    """Rows of a row group: fewer where windows, texts, images and graphs make tensors wide."""
    windows, images = case.features.windows.values(), case.features.images.values()
    num_values = num_columns + sum(3 * len(each.variables) * each.steps for each in windows)
    for graph in case.features.graphs.values():
        edges = (1 if graph.directed else 2) * graph.max_edges
        num_values += graph.max_nodes * (len(graph.nodes) + 1) + 2 * edges
    num_values += sum(each.max_terms for each in case.transform.text.values())
    num_values += sum(each.length for each in case.transform.tokens.values())
    pixels = sum(each.height * each.width * each.channels for each in images)
    return rows_at_once(4 * num_values + pixels)
