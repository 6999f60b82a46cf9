"""A fitted model that scores blocks: made from a JSON spec and checked bytes, never from code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lepton_spark.config.train import ModelSettings
from lepton_spark.dataset.tensors import CATEGORIES, NUMBERS, Block
from lepton_spark.errors import ModelError
from lepton_spark.models.design_matrix import dense, dense_width, design_matrix, width_of
from lepton_spark.models.output import Output
from lepton_spark.models.shape import Shape
from lepton_spark.models.slices import SLICE_ROWS, cut_evenly, product
from lepton_spark.models.weights import unpack

NETWORKS = ("table_mlp", "gru", "cnn", "graph", "multimodal")
WEIGHTS_FILES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(NETWORKS, ("weights.npz",)),
    **dict.fromkeys(("logistic", "linear"), ("weights.npz",)),
    "boosted_trees": ("booster.json",),
    **dict.fromkeys(("majority", "mean"), ()),
    "average": ("weights.npz", "booster.json"),
}
KINDS = tuple(WEIGHTS_FILES)
_SLICE_BYTES = 64 * 1024 * 1024
# Rows are multiplied so many at a time; fewer that are left over are rounded in another way.
_ROWS_OF_KERNEL = 8
_GRAPH_PARTS = ("nodes", "edges", "mask")
_FEWEST_MEMBERS = 2
Predictions = npt.NDArray[np.float64]


class Predictor(Protocol):
    """Scores rows of one transform."""

    def predict(self, block: Block) -> Predictions:
        """`[rows, width]`, as `Output.predictions` has it."""


def load_predictor(spec: Mapping[str, Any], files: Mapping[str, bytes]) -> Predictor:
    """Build the model that a spec describes and fill it with its weights.

    Args:
        spec: `kind`, `output` and what `Shape` reads; `settings` of a network, `values` of a
            majority or mean, `members` of an average.
        files: Content of a bundle by name, digests already checked.

    Returns:
        What scores blocks. Rows get the same scores to the bit, however they are cut into blocks.

    Raises:
        ModelError: Unknown kind, weights missing, unreadable or of another shape.
    """
    kind = spec.get("kind")
    if kind not in KINDS:
        raise ModelError(
            "LS-3007",
            "the spec of the model names an unknown kind",
            f"allowed are {', '.join(KINDS)}",
            "train the model with this version, or upgrade lepton-spark",
        )
    try:
        return _LOADERS[kind](spec, _Sizes.read(spec), files)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ModelError(
            "LS-3008",
            f"the files of a {kind} model do not fit its spec ({type(error).__name__})",
            "spec and weights are written together and must agree in every shape",
            "restore the model's files, or train again",
        ) from error


@dataclass(frozen=True)
class _Sizes:
    """What goes into a model, and what its numbers mean."""

    shape: Shape
    output: Output

    @classmethod
    def read(cls, spec: Mapping[str, Any]) -> _Sizes:
        """The sizes that a spec holds."""
        return cls(Shape.read(spec), Output.read(spec))


@dataclass(frozen=True)
class Constant:
    """What holds of the training rows as a whole, for every row."""

    values: tuple[float, ...]

    def predict(self, block: Block) -> Predictions:
        """The same for each row."""
        return np.tile(np.array(self.values, dtype=np.float64), (len(block.numbers), 1))


@dataclass(frozen=True)
class Linear:
    """A linear model on the one-hot design matrix.

    Args:
        coefficients: `[columns of the matrix, width]`.
        intercepts: `[width]`.
        is_logistic: Whether its numbers are logits; otherwise they are the amount itself.
    """

    sizes: _Sizes
    coefficients: npt.NDArray[np.float64]
    intercepts: npt.NDArray[np.float64]
    is_logistic: bool

    def predict(self, block: Block) -> Predictions:
        """Makes no column for each category."""
        shape = self.sizes.shape
        width = dense_width(shape)
        values = product(dense(block, shape), self.coefficients[:width]) + self.intercepts
        starts = np.cumsum([width, *shape.cardinalities])
        for place, start in enumerate(starts[:-1].tolist()):
            values += self.coefficients[start + block.categories[:, place]]
        found: Predictions = values
        return self.sizes.output.predictions(values) if self.is_logistic else found


class BoostedTrees:
    """Boosted trees on the ordinal design matrix; keeps one thread."""

    def __init__(self, sizes: _Sizes, content: bytes) -> None:
        import xgboost  # noqa: PLC0415  # only where a bundle holds trees

        self._shape, self._width = sizes.shape, sizes.output.width
        self._is_quantiles = bool(sizes.output.task.quantiles)
        self._booster = xgboost.Booster({"nthread": 1})
        try:
            self._booster.load_model(bytearray(content))
        except xgboost.core.XGBoostError as error:
            raise ValueError("not a booster") from error
        if self._booster.num_features() != width_of(self._shape, "ordinal"):
            raise ValueError("another number of features")

    def predict(self, block: Block) -> Predictions:
        """Probabilities, or amounts; quantiles sorted where they cross."""
        matrix = design_matrix(block, self._shape)
        found = np.asarray(self._booster.inplace_predict(matrix), dtype=np.float64)
        if found.ndim == 1 and self._width > 1 and not self._is_quantiles:
            # Of two classes a booster says the second alone.
            found = np.column_stack([1.0 - found, found])
        found = found.reshape(len(matrix), self._width)
        return np.sort(found, axis=1) if self._is_quantiles else found


class Network:
    """The network, on one TensorFlow thread, in slices that stay in the cache."""

    def __init__(self, settings: ModelSettings, sizes: _Sizes, content: bytes) -> None:
        _one_thread()
        from lepton_spark.models import network  # noqa: PLC0415  # TensorFlow takes seconds
        from lepton_spark.models.lean import tf  # noqa: PLC0415  # as above

        self._output = sizes.output
        self._model = network.build(settings, sizes.shape, sizes.output.width)
        self._slice_rows = _slice_rows(settings, sizes.shape)
        network.put_arrays(self._model, unpack(content))
        given = {
            each.name: tf.TensorSpec((None, self._slice_rows, *each.shape[1:]), each.dtype)
            for each in self._model.inputs
        }
        # A graph for any number of slices: each call from Python costs half a millisecond.
        self._graph = tf.function(self._said, input_signature=[given])

    def _said(self, tensors: dict[str, Any]) -> Any:
        from lepton_spark.models.lean import tf  # noqa: PLC0415  # TensorFlow takes seconds

        return tf.map_fn(
            lambda rows: self._model(rows, training=False),
            tensors,
            fn_output_signature=tf.float32,
            parallel_iterations=1,
        )

    def predict(self, block: Block) -> Predictions:
        """What the network means, from its raw numbers."""
        sliced = {name: cut_evenly(each, self._slice_rows) for name, each in block.tensors.items()}
        raw = np.asarray(self._graph(sliced)).reshape(-1, self._output.width)
        return self._output.predictions(raw[: len(block)])


@dataclass(frozen=True)
class Member:
    """One model of an average, and which of the average's inputs are its own.

    Args:
        numbers: Columns of `Block.numbers`, in the order of the member.
        categories: Columns of `Block.categories`, likewise.
        series: Channels of each series that is its own, likewise, by the name of its tensor.
        others: Names of the other tensors that are its own.
    """

    predictor: Predictor
    numbers: tuple[int, ...]
    categories: tuple[int, ...]
    series: Mapping[str, tuple[int, ...]]
    others: tuple[str, ...]

    def predict(self, block: Block) -> Predictions:
        """What the member says, given its own inputs."""
        own = {
            NUMBERS: np.ascontiguousarray(block.numbers[:, self.numbers]),
            CATEGORIES: np.ascontiguousarray(block.categories[:, self.categories]),
            **{
                name: np.ascontiguousarray(block.tensors[name][:, :, channels])
                for name, channels in self.series.items()
            },
            **{name: block.tensors[name] for name in self.others},
        }
        return self.predictor.predict(Block(own))


@dataclass(frozen=True)
class Average:
    """The mean of what several models say.

    Source: Bates and Granger, The Combination of Forecasts, 1969: an equal mean errs less than its
    members where their errors differ, and needs nothing to be fitted.
    """

    members: tuple[Member, ...]

    def predict(self, block: Block) -> Predictions:
        """Mean of what the members say; of quantiles that of each (Vincent, 1912)."""
        total = sum(member.predict(block) for member in self.members)
        return np.asarray(total / len(self.members), dtype=np.float64)


def _slice_rows(settings: ModelSettings, shape: Shape) -> int:
    """Fewer rows where convolutions, recurrent steps or a graph make much of each.

    A power of two that is a multiple of the rows of a kernel, or one.
    """
    pixels = sum(height * width for height, width, _ in shape.images.values())
    floats = pixels * settings.filters[0]
    floats += sum(steps * channels for steps, channels in shape.series.values())
    floats += sum(length * settings.series_units for length, _ in shape.tokens.values())
    ends = sum(nodes + 2 * edges for nodes, _, edges in shape.graphs.values())
    floats += ends * settings.graph_units
    # What goes in, what comes out and a copy between them.
    fitting = min(SLICE_ROWS, _SLICE_BYTES // max(1, 3 * 4 * floats))
    return 1 if fitting < _ROWS_OF_KERNEL else 1 << (fitting.bit_length() - 1)


def _one_thread() -> None:
    """Before TensorFlow starts: each worker would take all memory of a GPU, so it sees none."""
    import tensorflow as tf  # noqa: PLC0415  # only where a bundle holds a network

    try:
        tf.config.set_visible_devices([], "GPU")
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:  # already running in this process, with the threads it has
        return


def _linear(spec: Mapping[str, Any], sizes: _Sizes, files: Mapping[str, bytes]) -> Predictor:
    arrays = unpack(files["weights.npz"])
    coefficients = np.asarray(arrays["coefficients"], dtype=np.float64)
    intercepts = np.asarray(arrays["intercepts"], dtype=np.float64)
    width = sizes.output.width
    if (coefficients.shape, intercepts.shape) != (
        (width_of(sizes.shape, "one_hot"), width),
        (width,),
    ):
        raise ValueError("coefficients of another shape")
    return Linear(sizes, coefficients, intercepts, is_logistic=spec["kind"] == "logistic")


def _network(spec: Mapping[str, Any], sizes: _Sizes, files: Mapping[str, bytes]) -> Predictor:
    return Network(ModelSettings.model_validate(spec["settings"]), sizes, files["weights.npz"])


def _constant(spec: Mapping[str, Any], sizes: _Sizes, _files: Mapping[str, bytes]) -> Predictor:
    values = tuple(map(float, spec["values"]))
    is_share = sizes.output.task.kind != "amount"
    if len(values) != sizes.output.width or not all(map(isfinite, values)):
        raise ValueError("another number of values")
    if is_share and not all(0 <= value <= 1 for value in values):
        raise ValueError("a share outside 0 and 1")
    return Constant(values)


def _average(spec: Mapping[str, Any], sizes: _Sizes, files: Mapping[str, bytes]) -> Predictor:
    if len(spec["members"]) < _FEWEST_MEMBERS:
        raise ValueError("an average of fewer than two")
    return Average(tuple(_member(entry, sizes, files) for entry in spec["members"]))


def _member(entry: Mapping[str, Any], sizes: _Sizes, files: Mapping[str, bytes]) -> Member:
    shape = sizes.shape
    numbers, categories = tuple(entry["numbers"]), tuple(entry["categories"])
    cardinalities = tuple(shape.cardinalities[place] for place in categories)
    own = entry["spec"]
    if not set(numbers) <= set(range(shape.width)) or own["kind"] == "average":
        raise ValueError("a member that cannot be")
    if (own["width"], tuple(own["cardinalities"])) != (len(numbers), cardinalities):
        raise ValueError("a member of another input")
    if Output.read(own) != sizes.output:
        raise ValueError("a member that says other things")
    series, others = _own_tensors(entry, shape, Shape.read(own))
    return Member(load_predictor(own, files), numbers, categories, series, others)


def _own_tensors(
    entry: Mapping[str, Any], shape: Shape, own: Shape
) -> tuple[dict[str, tuple[int, ...]], tuple[str, ...]]:
    """Channels of each series of a member, and names of its other tensors.

    Raises:
        ValueError: The average is not given one of them, or of another size.
    """
    series = {}
    for name, (steps, channels) in own.series.items():
        given_steps, given = shape.series[name]
        places = tuple(entry.get("series", {}).get(name, range(given)))
        if (steps, channels) != (given_steps, len(places)) or not set(places) <= set(range(given)):
            raise ValueError("a member of another series")
        series[name] = places
    sized = (own.images, shape.images), (own.tokens, shape.tokens), (own.graphs, shape.graphs)
    if any(given.get(name) != sizes for mine, given in sized for name, sizes in mine.items()):
        raise ValueError("a member of another tensor")
    of_graphs = (f"{name}_{part}" for name in own.graphs for part in _GRAPH_PARTS)
    return series, (*own.images, *own.tokens, *of_graphs)


_LOADERS: dict[str, Callable[[Mapping[str, Any], _Sizes, Mapping[str, bytes]], Predictor]] = {
    **dict.fromkeys(NETWORKS, _network),
    **dict.fromkeys(("logistic", "linear"), _linear),
    "boosted_trees": lambda _spec, sizes, files: BoostedTrees(sizes, files["booster.json"]),
    **dict.fromkeys(("majority", "mean"), _constant),
    "average": _average,
}
