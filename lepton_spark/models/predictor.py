"""A fitted model that scores blocks: made from a JSON spec and checked bytes, never from code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lepton_spark.config.train import ModelSettings
from lepton_spark.dataset.tensors import CATEGORIES, NUMBERS, Block
from lepton_spark.errors import ModelError
from lepton_spark.models.design_matrix import dense, dense_width, design_matrix, width_of
from lepton_spark.models.shape import Shape
from lepton_spark.models.weights import unpack

NETWORKS = ("table_mlp", "gru", "cnn", "graph", "multimodal")
WEIGHTS_FILES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(NETWORKS, ("weights.npz",)),
    "logistic": ("weights.npz",),
    "boosted_trees": ("booster.json",),
    "majority": (),
    "average": ("weights.npz", "booster.json"),
}
KINDS = tuple(WEIGHTS_FILES)
SLICE_ROWS = 4096
_SLICE_BYTES = 64 * 1024 * 1024
_FEWEST_MEMBERS = 2
Probabilities = npt.NDArray[np.float64]


class Predictor(Protocol):
    """Scores rows of one transform."""

    def predict(self, block: Block) -> Probabilities:
        """Probability of the positive class, `[rows]`, in (0, 1) or exactly 0 or 1."""


def load_predictor(spec: Mapping[str, Any], files: Mapping[str, bytes]) -> Predictor:
    """Build the model that a spec describes and fill it with its weights.

    Args:
        spec: `kind` and what `Shape` reads; `settings` of a network, `rate` of the majority,
            `members` of an average.
        files: Content of a bundle by name, digests already checked.

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
        return _LOADERS[kind](spec, Shape.read(spec), files)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ModelError(
            "LS-3008",
            f"the files of a {kind} model do not fit its spec ({type(error).__name__})",
            "spec and weights are written together and must agree in every shape",
            "restore the model's files, or train again",
        ) from error


@dataclass(frozen=True)
class Majority:
    """The share of positives in the training rows, for every row."""

    rate: float

    def predict(self, block: Block) -> Probabilities:
        """The same probability for each row."""
        return np.full(len(block.numbers), self.rate, dtype=np.float64)


@dataclass(frozen=True)
class Logistic:
    """A linear model on the one-hot design matrix."""

    shape: Shape
    coefficients: npt.NDArray[np.float64]
    intercept: float

    def predict(self, block: Block) -> Probabilities:
        """Probability of the positive class; makes no column for each category."""
        width = dense_width(self.shape)
        logits = dense(block, self.shape) @ self.coefficients[:width] + self.intercept
        starts = np.cumsum([width, *self.shape.cardinalities])
        for place, start in enumerate(starts[:-1].tolist()):
            logits += self.coefficients[start + block.categories[:, place]]
        return _sigmoid(logits)


class BoostedTrees:
    """Boosted trees on the ordinal design matrix; keeps one thread."""

    def __init__(self, shape: Shape, content: bytes) -> None:
        import xgboost  # noqa: PLC0415  # only where a bundle holds trees

        self._shape = shape
        self._booster = xgboost.Booster({"nthread": 1})
        try:
            self._booster.load_model(bytearray(content))
        except xgboost.core.XGBoostError as error:
            raise ValueError("not a booster") from error
        if self._booster.num_features() != width_of(shape, "ordinal"):
            raise ValueError("another number of features")

    def predict(self, block: Block) -> Probabilities:
        """Probability of the positive class."""
        matrix = design_matrix(block, self._shape, "ordinal")
        return np.asarray(self._booster.inplace_predict(matrix), dtype=np.float64)


class Network:
    """The network, on one TensorFlow thread, in slices that stay in the cache."""

    def __init__(self, settings: ModelSettings, shape: Shape, content: bytes) -> None:
        _one_thread()
        from lepton_spark.models import network  # noqa: PLC0415  # TensorFlow takes seconds

        self._model = network.build(settings, shape)
        self._slice_rows = _slice_rows(settings, shape)
        arrays = list(unpack(content).values())
        expected = [tuple(variable.shape) for variable in self._model.weights]
        if [array.shape for array in arrays] != expected:
            raise ValueError("weights of another shape")
        self._model.set_weights(arrays)

    def predict(self, block: Block) -> Probabilities:
        """Probability of the positive class."""
        scores = np.empty(len(block.numbers), dtype=np.float64)
        for start in range(0, len(scores), self._slice_rows):
            rows = slice(start, start + self._slice_rows)
            inputs = block.cut(rows).tensors
            logits = np.asarray(self._model(inputs, training=False), dtype=np.float64)
            scores[rows] = _sigmoid(logits[:, 0])
        return scores


@dataclass(frozen=True)
class Member:
    """One model of an average, and which of the average's inputs are its own.

    Args:
        numbers: Columns of `Block.numbers`, in the order of the member.
        categories: Columns of `Block.categories`, likewise.
    """

    predictor: Predictor
    numbers: tuple[int, ...]
    categories: tuple[int, ...]

    def predict(self, block: Block) -> Probabilities:
        """What the member says, given its own inputs."""
        own = {
            NUMBERS: np.ascontiguousarray(block.numbers[:, self.numbers]),
            CATEGORIES: np.ascontiguousarray(block.categories[:, self.categories]),
        }
        return self.predictor.predict(Block({**block.tensors, **own}))


@dataclass(frozen=True)
class Average:
    """The mean of what several models say.

    Source: Bates and Granger, The Combination of Forecasts, 1969: an equal mean errs less than its
    members where their errors differ, and needs nothing to be fitted.
    """

    members: tuple[Member, ...]

    def predict(self, block: Block) -> Probabilities:
        """Mean of the members' probabilities."""
        total = sum(member.predict(block) for member in self.members)
        return np.asarray(total / len(self.members), dtype=np.float64)


def _slice_rows(settings: ModelSettings, shape: Shape) -> int:
    """Fewer rows where the first block of convolutions, or a graph, makes much of each."""
    pixels = sum(height * width for height, width, _ in shape.images.values())
    floats = 3 * 4 * pixels * settings.filters[0]
    ends = sum(nodes + 2 * edges for nodes, _, edges in shape.graphs.values())
    floats += 3 * 4 * ends * settings.graph_units
    return max(1, min(SLICE_ROWS, _SLICE_BYTES // max(1, floats)))


def _one_thread() -> None:
    import tensorflow as tf  # noqa: PLC0415  # only where a bundle holds a network

    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:  # already running in this process, with the threads it has
        return


def _sigmoid(logits: npt.NDArray[np.float64]) -> Probabilities:
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -500, 500)))


def _logistic(_spec: Mapping[str, Any], shape: Shape, files: Mapping[str, bytes]) -> Predictor:
    arrays = unpack(files["weights.npz"])
    coefficients = np.asarray(arrays["coefficients"], dtype=np.float64)
    if coefficients.shape != (width_of(shape, "one_hot"),):
        raise ValueError("coefficients of another shape")
    return Logistic(shape, coefficients, float(arrays["intercept"]))


def _network(spec: Mapping[str, Any], shape: Shape, files: Mapping[str, bytes]) -> Predictor:
    return Network(ModelSettings.model_validate(spec["settings"]), shape, files["weights.npz"])


def _majority(spec: Mapping[str, Any], _shape: Shape, _files: Mapping[str, bytes]) -> Predictor:
    rate = float(spec["rate"])
    if not 0 <= rate <= 1:
        raise ValueError("rate outside 0 and 1")
    return Majority(rate)


def _average(spec: Mapping[str, Any], shape: Shape, files: Mapping[str, bytes]) -> Predictor:
    if len(spec["members"]) < _FEWEST_MEMBERS:
        raise ValueError("an average of fewer than two")
    return Average(tuple(_member(entry, shape, files) for entry in spec["members"]))


def _member(entry: Mapping[str, Any], shape: Shape, files: Mapping[str, bytes]) -> Member:
    numbers, categories = tuple(entry["numbers"]), tuple(entry["categories"])
    cardinalities = tuple(shape.cardinalities[place] for place in categories)
    own = entry["spec"]
    if not set(numbers) <= set(range(shape.width)) or own["kind"] == "average":
        raise ValueError("a member that cannot be")
    if (own["width"], tuple(own["cardinalities"])) != (len(numbers), cardinalities):
        raise ValueError("a member of another input")
    return Member(load_predictor(own, files), numbers, categories)


_LOADERS: dict[str, Callable[[Mapping[str, Any], Shape, Mapping[str, bytes]], Predictor]] = {
    **dict.fromkeys(NETWORKS, _network),
    "logistic": _logistic,
    "boosted_trees": lambda _spec, shape, files: BoostedTrees(shape, files["booster.json"]),
    "majority": _majority,
    "average": _average,
}
