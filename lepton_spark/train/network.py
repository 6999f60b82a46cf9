"""Fit the network of a case: describe the job, run it on a backend, take the weights of rank 0."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lepton_spark.errors import ConfigError
from lepton_spark.train.backend import RankResult, TrainingBackend, Work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lepton_spark.config.train import ModelSettings, TrainSettings
    from lepton_spark.dataset.shards import Piece
    from lepton_spark.dataset.transform import FeatureTransform

ENTRY = "lepton_spark.train.table_network:fit"
BLOCK_ROWS = 131_072


@dataclass(frozen=True)
class Part:
    """The rows of one part of the dataset.

    Args:
        pieces: Row groups, each with the number of its rows that are in this part.
        name: Value of the split column in these rows.
    """

    pieces: tuple[Piece, ...]
    name: str

    @property
    def rows(self) -> int:
        """Rows in all."""
        return sum(piece.rows for piece in self.pieces)


@dataclass(frozen=True)
class NetworkJob:
    """All that decides the weights of a network, and where its checkpoints are.

    Args:
        split_column: Text column that names the part of a row; none where each file has one part.
        checkpoint: Folder, path or URI, that all ranks reach.
    """

    model: ModelSettings
    train: TrainSettings
    transform: FeatureTransform
    fitted: Part
    validated: Part
    label: str
    checkpoint: str
    split_column: str | None = None
    is_shuffled: bool = True
    block_rows: int = BLOCK_ROWS

    def payload(self, size: int) -> dict[str, Any]:
        """The job as JSON-ready facts, with their fingerprint."""
        facts = {
            "model": self.model.model_dump(mode="json"),
            "train": self.train.model_dump(mode="json", exclude={"launcher", "stall_seconds"}),
            "transform": self.transform.to_json(),
            "fitted": asdict(self.fitted),
            "validated": asdict(self.validated),
            "label": self.label,
            "split_column": self.split_column,
            "is_shuffled": self.is_shuffled,
            "block_rows": self.block_rows,
            "size": size,
        }
        text = json.dumps(facts, sort_keys=True)
        fingerprint = hashlib.sha256(text.encode()).hexdigest()
        return {**facts, "checkpoint": self.checkpoint, "fingerprint": fingerprint}


@dataclass(frozen=True)
class FittedNetwork:
    """A network as it came out of training.

    Args:
        weights: npz of `models.weights`, the weights of the best epoch.
        history: One entry an epoch: epoch, loss, validation_loss, validation_auc, rows, seconds.
        rows_by_rank: Rows of an epoch on each rank, padding not counted.
    """

    weights: bytes
    weights_digest: str
    history: Sequence[Mapping[str, float]]
    best_epoch: int
    steps: int
    rows_by_rank: tuple[int, ...]


def fit_network(backend: TrainingBackend, job: NetworkJob, size: int) -> FittedNetwork:
    """Train on `size` processes, or go on from the job's checkpoint.

    Raises:
        ConfigError: A batch is larger than the rows there are.
        TrainingError: A rank failed.
        TryAgainError: A rank was killed or hung.
    """
    if job.train.batch_size > job.fitted.rows > 0:
        raise ConfigError(
            "LS-1061",
            f"train.batch_size is {job.train.batch_size}, the training part has "
            f"{job.fitted.rows} rows",
            "a batch is at most all rows",
            f"set train.batch_size to {max(1, job.fitted.rows // (8 * size))}",
        )
    work = Work(ENTRY, job.payload(size), job.train.stall_seconds)
    return _fitted(backend.run(work, size))


def _fitted(results: Sequence[RankResult]) -> FittedNetwork:
    first = results[0]
    return FittedNetwork(
        weights=first.files["weights.npz"],
        weights_digest=first.facts["weights_digest"],
        history=first.facts["history"],
        best_epoch=first.facts["best_epoch"],
        steps=first.facts["steps"],
        rows_by_rank=tuple(result.facts["rows"] for result in results),
    )
