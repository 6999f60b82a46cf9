"""Fit the network of a case: describe the job, run it on a backend, take the weights of rank 0."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any

from lepton_spark.dataset.tensors import rows_at_once
from lepton_spark.errors import ConfigError, TryAgainError
from lepton_spark.lake.marker import json_digest
from lepton_spark.models.output import Output
from lepton_spark.train.backend import RankResult, TrainingBackend, Work
from lepton_spark.train.checkpoint import read_history, take_back_stop
from lepton_spark.train.watch import OnEpoch, watching

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lepton_spark.config.train import ModelSettings, TrainSettings
    from lepton_spark.dataset.shards import Piece
    from lepton_spark.dataset.transform import FeatureTransform

ENTRY = "lepton_spark.train.table_network:fit"
# Settings that decide no weight: one can go on from a state from before they changed. Launchers sum
# alike on two ranks; on more, sums may be rounded in another order.
NOT_WEIGHTS = {"launcher", "stall_seconds", "checkpoint_minutes"}
_LIBRARIES = ("tensorflow", "keras")  # which name the weights of a state


@dataclass(frozen=True)
class NetworkJob:
    """All that decides the weights of a network, and where its checkpoints are.

    Args:
        fitted: Row groups of the training part.
        validated: Row groups of the validation part.
        output: What the network's numbers mean.
        class_rows: Rows of each class in the training part; empty where there are none.
        checkpoint: Folder, path or URI, that all ranks reach.
        most_block_rows: Fewer rows of a block than fit, for comparisons.
    """

    model: ModelSettings
    train: TrainSettings
    transform: FeatureTransform
    fitted: tuple[Piece, ...]
    validated: tuple[Piece, ...]
    label: str
    checkpoint: str
    output: Output = field(default_factory=Output)
    class_rows: tuple[int, ...] = ()
    is_shuffled: bool = True
    entry: str = ENTRY
    most_block_rows: int | None = None

    @property
    def block_rows(self) -> int:
        """Rows of a block: at least those of a step."""
        rows = rows_at_once(sum(spec.num_bytes for spec in self.transform.specs.values()))
        return max(min(rows, self.most_block_rows or rows), self.train.rows_of_step)

    def payload(self, size: int) -> dict[str, Any]:
        """The job as JSON-ready facts, with their fingerprint."""
        facts = {
            "model": self.model.model_dump(mode="json"),
            "train": self.train.model_dump(mode="json", exclude=NOT_WEIGHTS),
            "transform": self.transform.to_json(),
            "fitted": [asdict(piece) for piece in self.fitted],
            "validated": [asdict(piece) for piece in self.validated],
            "label": self.label,
            "output": self.output.to_dict(),
            "class_rows": list(self.class_rows),
            "is_shuffled": self.is_shuffled,
            "block_rows": self.block_rows,
            "size": size,
            "libraries": library_versions(),
        }
        return {
            **facts,
            "fingerprint": json_digest(facts),
            "checkpoint": self.checkpoint,
            "checkpoint_minutes": self.train.checkpoint_minutes,
        }


@dataclass(frozen=True)
class FittedNetwork:
    """A network as it came out of training.

    Args:
        weights: npz of `models.weights`, the weights of the best epoch.
        history: One entry an epoch, as `State` has it.
        rows_by_rank: Rows of an epoch on each rank, padding not counted.
        devices: What each rank computed on, such as `GPU 0`.
    """

    weights: bytes
    weights_digest: str
    history: Sequence[Mapping[str, float]]
    best_epoch: int
    steps: int
    precision: str
    rows_by_rank: tuple[int, ...]
    devices: tuple[str, ...]


def fit_network(
    backend: TrainingBackend, job: NetworkJob, size: int, *, on_epoch: OnEpoch | None = None
) -> FittedNetwork:
    """Train on `size` processes, or go on from the job's checkpoint.

    Ends early, all ranks after the same epoch, where `checkpoint.ask_to_stop` is called meanwhile.

    Args:
        backend: Where the processes run.
        job: What they do.
        size: How many there are.
        on_epoch: Called from a thread with the entry of each epoch that ends.

    Returns:
        Weights and history, those from before a resume included.

    Raises:
        ConfigError: A batch is larger than the rows there are.
        TrainingError: A rank failed.
        TryAgainError: A rank was killed or hung.
    """
    require_batch(job.train, sum(piece.rows for piece in job.fitted), size)
    work = Work(job.entry, job.payload(size), job.train.stall_seconds)
    take_back_stop(job.checkpoint)  # left by a run that was killed
    with watching(job.checkpoint, on_epoch):
        try:
            return _fitted(backend.run(work, size))
        except TryAgainError as error:
            done = len(read_history(job.checkpoint))
            state = f"no model was written; the checkpoint holds epoch {done}"
            raise TryAgainError(error.code, error.what, error.why, error.fix, state) from error


def require_batch(train: TrainSettings, rows: int, size: int) -> None:
    """See that a step of one of `size` workers has no more rows than the training part.

    Raises:
        ConfigError: It has.
    """
    if train.rows_of_step > rows > 0:
        raise ConfigError(
            "LS-1061",
            f"train.batch_size is {train.batch_size} and train.accumulate {train.accumulate}, the "
            f"training part has {rows} rows",
            "a step of one worker takes at most all rows",
            f"set train.batch_size to {max(1, rows // (8 * size))} and train.accumulate to 1",
        )


def library_versions() -> dict[str, list[str]]:
    """What is installed of each library, by whatever name it was published; nothing is imported."""
    published = metadata.packages_distributions()
    return {
        library: sorted({metadata.version(name) for name in published.get(library, ())})
        for library in _LIBRARIES
    }


def _fitted(results: Sequence[RankResult]) -> FittedNetwork:
    first = results[0]
    return FittedNetwork(
        weights=first.files["weights.npz"],
        weights_digest=first.facts["weights_digest"],
        history=first.facts["history"],
        best_epoch=first.facts["best_epoch"],
        steps=first.facts["steps"],
        precision=first.facts["precision"],
        rows_by_rank=tuple(result.facts["rows"] for result in results),
        devices=tuple(result.facts["device"] for result in results),
    )
