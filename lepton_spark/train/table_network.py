"""One rank of a network's training: from a JSON payload to weights."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from lepton_spark.config.train import ModelSettings, TrainSettings
from lepton_spark.dataset.blocks import EpochReader, Layout, Source
from lepton_spark.dataset.shards import Piece, deal
from lepton_spark.dataset.transform import FeatureTransform
from lepton_spark.errors import TrainingError
from lepton_spark.lake.marker import json_digest
from lepton_spark.models import network
from lepton_spark.models.output import Output
from lepton_spark.models.shape import Shape
from lepton_spark.models.weights import MAX_ARRAYS, MAX_BYTES, pack
from lepton_spark.train.backend import Outcome
from lepton_spark.train.checkpoint import Checkpoints
from lepton_spark.train.compilation import is_jit_compiled
from lepton_spark.train.device import prepared_device
from lepton_spark.train.loop import Loop, Rows, arrays_of, digest_of
from lepton_spark.train.precision import agreed_precision, computing_in
from lepton_spark.train.state import LoopSettings, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lepton_spark.models.lean import keras
    from lepton_spark.train.keeping import Alive
    from lepton_spark.train.worker import Worker


def fit(worker: Worker, payload: Mapping[str, Any]) -> Outcome:
    """Train this rank's share of the rows of a `NetworkJob`."""
    device = prepared_device()
    transform = FeatureTransform.from_json(payload["transform"])
    settings = ModelSettings.model_validate(payload["model"])
    precision = agreed_precision(worker, payload["train"]["precision"])
    shape, train = Shape.of(transform), TrainSettings.model_validate(payload["train"])
    with computing_in(precision):
        width = Output.of(payload["output"]).width
        model = network.build(settings, shape, width, seed=train.seed)
    _require_storable(model)
    rows = Rows(
        _reader(worker, payload, transform, "fitted", train.rows_of_step),
        _reader(worker, payload, transform, "validated", train.batch_size),
    )
    is_jitted = is_jit_compiled(train.jit_compile, shape)
    # What was begun on other hardware is begun anew: it would not come to the same weights.
    computing = json_digest([payload["fingerprint"], precision, is_jitted])
    keeper = _Keeper(Checkpoints(payload["checkpoint"], computing))
    loop = Loop(worker, model, rows, _settings(payload, train, is_jitted=is_jitted), keeper)
    state = loop.fit()
    facts = {
        "weights_digest": digest_of(model),
        "rows": rows.train.rows,
        "steps": rows.train.layout.steps,
        "precision": precision,
        "device": device,
        "history": state.history,
        "best_epoch": state.best_epoch,
    }
    files = {"weights.npz": pack(arrays_of(model.weights))} if worker.rank == 0 else {}
    return Outcome(facts, files)


def _require_storable(model: keras.Model) -> None:
    """See before training that the weights can be kept and loaded again."""
    num_bytes = sum(4 * math.prod(weight.shape) for weight in model.weights)
    if len(model.weights) <= MAX_ARRAYS and num_bytes <= MAX_BYTES:
        return
    raise TrainingError(
        "LS-6016",
        f"the network has {len(model.weights)} arrays of weights, of {num_bytes >> 20} MiB",
        f"a model is at most {MAX_ARRAYS} arrays of {MAX_BYTES >> 20} MiB",
        "make model.hidden or model.embedding smaller, or leave categories out",
    )


class _Keeper:
    """Checkpoints as states."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints

    def load(self) -> State | None:
        """The state to go on from; None where there is none."""
        fields = self._checkpoints.load()
        return State(**fields) if fields else None

    def save(self, state: State, alive: Alive) -> None:
        """Write a state to go on from."""
        self._checkpoints.save(state, alive)

    def save_last(self, state: State, alive: Alive) -> None:
        """Write the weights of the last epoch, to be kept beside the best."""
        self._checkpoints.save_last(state, alive)

    def is_stopped(self) -> bool:
        """Whether the run was asked to stop."""
        return self._checkpoints.is_stopped()


def _reader(
    worker: Worker,
    payload: Mapping[str, Any],
    transform: FeatureTransform,
    part: str,
    batch_size: int,
) -> EpochReader:
    pieces = [Piece(**piece) for piece in payload[part]]
    dealt = deal(pieces, worker.size, batch_size)
    layout = Layout(batch_size, dealt.steps, max(1, payload["block_rows"] // batch_size))
    cache = worker.folder / part
    cache.mkdir()
    source = Source(transform, payload["label"])
    return EpochReader(dealt.shards[worker.rank], source, layout, cache, partial(worker.beat, ""))


def _settings(payload: Mapping[str, Any], train: TrainSettings, *, is_jitted: bool) -> LoopSettings:
    return LoopSettings(
        train,
        payload["checkpoint_minutes"],
        Output.of(payload["output"]),
        tuple(payload["class_rows"]),
        is_shuffled=payload["is_shuffled"],
        is_jitted=is_jitted,
    )
