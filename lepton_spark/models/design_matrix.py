"""One float matrix of a transformed block: what the baselines are fitted on and score."""

from __future__ import annotations

import math
from collections.abc import Iterable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from lepton_spark.dataset.series import CHANNELS
from lepton_spark.dataset.tokens import FIRST

if TYPE_CHECKING:
    from lepton_spark.dataset.tensors import Block
    from lepton_spark.dataset.transform import FeatureTransform
    from lepton_spark.models.shape import Shape

Form = Literal["one_hot", "ordinal"]
Floats = npt.NDArray[np.float32]
_MOST_WORDS = 500
_GRAPH_SUMMARIES = 3  # beside those of its properties
_GRID = 14  # cells an image is cut into, across and down, at most


def dense_width(shape: Shape) -> int:
    """Columns of `dense`."""
    of_series = sum(channels for _, channels in shape.series.values())
    of_tokens = sum(_num_words(cardinality) for _, cardinality in shape.tokens.values())
    of_graphs = sum(_GRAPH_SUMMARIES + channels for _, channels, _ in shape.graphs.values())
    of_images = sum(map(_num_cells, shape.images.values()))
    return shape.width + of_series + of_images + of_tokens + of_graphs


def dense_names(transform: FeatureTransform) -> list[str]:
    """What each column of `dense` is, for people."""
    summaries = [
        f"{variable.names.values} {part}"
        for series in _sorted(transform.series, "name")
        for part in ("mean", "last", "seen")
        for variable in series.variables
    ]
    cells = [
        f"{image.name} cell {cell}"
        for image in _sorted(transform.images, "tensor")
        for cell in range(_num_cells(image.shape))
    ]
    words = [
        f"{text.name} says {word}"
        for text in _sorted(transform.tokens, "tensor")
        for word in text.words[: _num_words(text.cardinality)]
    ]
    graphs = [
        f"{graph.lists.name} {part}"
        for graph in _sorted(transform.graphs, "tensor")
        for part in ("nodes", "edges", "degree", *graph.lists.nodes)
    ]
    return [*transform.outputs, *summaries, *cells, *words, *graphs]


def _sorted(blocks: Iterable[Any], name: str) -> list[Any]:
    """In the order of a shape."""
    return sorted(blocks, key=attrgetter(name))


def width_of(shape: Shape, form: Form) -> int:
    """Columns of the design matrix of blocks of a shape.

    Args:
        shape: Sizes of the blocks.
        form: `one_hot` has a 0/1 column for each index of a category, `ordinal` one column that
            holds the index.

    Returns:
        Those of `dense` and of the categories.
    """
    categories = shape.cardinalities
    return dense_width(shape) + (sum(categories) if form == "one_hot" else len(categories))


def dense(block: Block, shape: Shape) -> Floats:
    """The numbers of a block and summaries of the rest, float32 `[rows, dense_width]`.

    Of each variable of a series: the mean of its values, the last of them, and the share of steps
    that have one; zeros where no step has. Of each image: the mean of the pixels of each cell of a
    grid, row by row, from -1 to 1. Of each text: how often it has each of the most used words. Of
    each graph: the logarithms of 1 and its nodes, and of 1 and its edges; how many edges end at a
    node in the mean; the mean of each property.
    """
    if not (shape.series or shape.images or shape.tokens or shape.graphs):
        return block.numbers
    summaries = [_summary(block.tensors[name]) for name in shape.series]
    cells = [_cells(block.tensors[name]) for name in shape.images]
    words = [_words(block.tensors[name], size) for name, (_, size) in shape.tokens.items()]
    graphs = [_graph(block, name) for name in shape.graphs]
    return np.concatenate([block.numbers, *summaries, *cells, *words, *graphs], axis=1)


def design_matrix(block: Block, shape: Shape) -> Floats:
    """What `dense` gives, then the index of each category: what trees are fitted on.

    Args:
        block: Of the shape.
        shape: Its sizes.

    Returns:
        float32, [rows, width_of(shape, "ordinal")].
    """
    return np.concatenate([dense(block, shape), block.categories], axis=1, dtype=np.float32)


def hot_columns(block: Block, shape: Shape) -> npt.NDArray[np.int32]:
    """Which columns of the one-hot matrix are 1, for linear models; those of `dense` lie before.

    Args:
        block: Of the shape.
        shape: Its sizes.

    Returns:
        int32, [rows, categories], rising in each row; the matrix has as many columns as
        width_of(shape, "one_hot"), of which a row of a wide vocabulary uses next to none.
    """
    firsts = np.cumsum([dense_width(shape), *shape.cardinalities])[:-1]
    return block.categories + firsts.astype(np.int32)


def _summary(series: Floats) -> Floats:
    steps = series.shape[1]
    variables = series.shape[2] // CHANNELS
    values, masks = series[:, :, :variables], series[:, :, variables : 2 * variables]
    seen = masks.sum(axis=1)
    mean = (values * masks).sum(axis=1) / np.maximum(seen, 1.0)
    # The last step with a value: the first one seen from the end.
    place = steps - 1 - np.argmax(masks[:, ::-1] > 0, axis=1)
    last = np.take_along_axis(values, place[:, None, :], axis=1)[:, 0] * (seen > 0)
    return np.concatenate([mean, last, seen / steps], axis=1, dtype=np.float32)


def _num_cells(sizes: tuple[int, int, int]) -> int:
    height, width, channels = sizes
    return math.prod(cells for cells, _ in _sides(height, width)) * channels


def _sides(*sizes: int) -> list[tuple[int, int]]:
    """Cells along each side of an image, and its pixels."""
    return [(min(_GRID, size), size) for size in sizes]


def _cells(images: npt.NDArray[np.uint8]) -> Floats:
    """`[rows, cells]`: of each cell of a grid, the mean of each channel."""
    rows, height, width, _ = images.shape
    tops, lefts = (np.arange(cells) * size // cells for cells, size in _sides(height, width))
    sums = np.add.reduceat(images, tops, axis=1, dtype=np.float32)
    sums = np.add.reduceat(sums, lefts, axis=2)
    pixels = np.outer(np.diff(tops, append=height), np.diff(lefts, append=width))
    means = sums / pixels[None, :, :, None].astype(np.float32)
    return (means / np.float32(127.5) - np.float32(1)).reshape(rows, -1)


def _num_words(cardinality: int) -> int:
    return min(_MOST_WORDS, cardinality - FIRST)


def _words(tokens: npt.NDArray[np.int32], cardinality: int) -> Floats:
    """`[rows, words]`: uses of each of the most used words, which have the smallest numbers."""
    rows, words = len(tokens), _num_words(cardinality)
    places = tokens - FIRST
    is_counted = (places >= 0) & (places < words)
    flat = (np.arange(rows)[:, None] * words + places)[is_counted]
    counts = np.bincount(flat, minlength=rows * words)
    return counts.reshape(rows, words).astype(np.float32)


def _graph(block: Block, name: str) -> Floats:
    """`[rows, 3 + properties]`."""
    nodes, mask = block.tensors[f"{name}_nodes"], block.tensors[f"{name}_mask"]
    num_nodes = mask.sum(axis=1, keepdims=True)
    num_edges = (block.tensors[f"{name}_edges"][:, :, 0] >= 0).sum(axis=1, keepdims=True)
    least = np.maximum(num_nodes, 1.0)
    counts = [np.log1p(num_nodes), np.log1p(num_edges), num_edges / least]
    means = (nodes * mask[:, :, None]).sum(axis=1) / least
    return np.concatenate([*counts, means], axis=1, dtype=np.float32)
