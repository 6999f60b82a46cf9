"""One training of a trial: a network fitted on some places and judged on another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lepton_spark.dataset.fit import fit_transform
from lepton_spark.dataset.label import LABEL
from lepton_spark.search.labels import labels_of
from lepton_spark.train.checkpoint import ask_to_stop, read_history, take_back_stop
from lepton_spark.train.inputs import columns_of
from lepton_spark.train.launch import backend_of, num_ranks
from lepton_spark.train.network import NetworkJob, fit_network

if TYPE_CHECKING:
    from lepton_spark.config.case import Case
    from lepton_spark.context import RunContext
    from lepton_spark.dataset.shards import Piece
    from lepton_spark.dataset.transform import FeatureTransform
    from lepton_spark.search.division import Division
    from lepton_spark.search.labels import Labels

Entry = Mapping[str, Any]
# Why a training should end after the epoch that it is given; empty where it should not.
Decide = Callable[[Entry], str]


@dataclass(frozen=True)
class Ended:
    """How a training went.

    Args:
        history: One entry an epoch.
        stopped: What `decide` said; empty where it went to its end.
    """

    history: Sequence[Entry]
    stopped: str


def best_epoch(history: Sequence[Entry]) -> Entry:
    """The first one with the smallest validation loss."""
    return min(history, key=lambda entry: float(entry["validation_loss"]))


class Trainer:
    """Trains on the workers of a run, and knows what its trials have in common.

    Args:
        context: Of the run.
        read: Gives the rows by place; called once, when they are needed.
        types: Name and Spark type of each feature column.
    """

    def __init__(
        self,
        context: RunContext,
        read: Callable[[], Mapping[int, tuple[Piece, ...]]],
        types: Sequence[tuple[str, str]],
    ) -> None:
        self._context = context
        self._read = read
        self._types = types
        self._places: Mapping[int, tuple[Piece, ...]] = {}
        self._transforms: dict[tuple[int, ...], tuple[str, FeatureTransform]] = {}
        self._labels: dict[tuple[int, ...], Labels] = {}

    def read(self) -> None:
        """Have the rows; `fit` does so too."""
        self._places = self._places or self._read()

    def fit(self, case: Case, division: Division, checkpoint: str, decide: Decide) -> Ended:
        """Train, or go on from the checkpoint.

        Args:
            case: With the settings of the trial.
            division: Which rows.
            checkpoint: Folder of this training alone.
            decide: Told each epoch once and in order, those of the checkpoint first; not told any
                more once it has said why to stop.

        Returns:
            Its epochs, those of the checkpoint included, and why it was stopped.

        Raises:
            DataError: The transform cannot be fitted.
            ConfigError: A batch is larger than the rows there are.
            TrainingError: A rank failed.
            TryAgainError: A rank was killed or hung.
        """
        follower = _Follower(checkpoint, decide)
        take_back_stop(checkpoint)
        for entry in read_history(checkpoint):
            follower(entry)
        if follower.stopped:
            return Ended(read_history(checkpoint), follower.stopped)
        job = self._job(case, division, checkpoint)
        size = num_ranks(self._context, sum(piece.rows for piece in job.fitted))
        fitted = fit_network(backend_of(self._context), job, size, on_epoch=follower)
        return Ended(fitted.history, follower.stopped)

    def _job(self, case: Case, division: Division, checkpoint: str) -> NetworkJob:
        self.read()
        pieces = tuple(piece for place in division.fitted for piece in self._places[place])
        labels = self._labels_of(division.fitted, pieces)
        return NetworkJob(
            model=case.model,
            train=case.train,
            transform=self._transform(case, division.fitted, pieces).without(case.model.leave_out),
            fitted=pieces,
            validated=self._places[division.judged],
            label=LABEL,
            checkpoint=checkpoint,
            output=labels.output,
            class_rows=labels.class_rows,
        )

    def _labels_of(self, places: tuple[int, ...], pieces: Sequence[Piece]) -> Labels:
        """Of these rows and no others; no setting that is searched changes them."""
        if places not in self._labels:
            task = self._context.case.task
            self._labels[places] = labels_of(self._context.spark, pieces, task)
        return self._labels[places]

    def _transform(
        self, case: Case, places: tuple[int, ...], pieces: Sequence[Piece]
    ) -> FeatureTransform:
        """Fitted on these rows and no others; kept while its settings stay as they are."""
        settings = case.transform.model_dump_json()
        kept = self._transforms.get(places)
        if kept is None or kept[0] != settings:
            columns = columns_of(case, self._types)
            kept = settings, fit_transform(self._context.spark, pieces, columns, case.transform)
            self._transforms[places] = kept
        return kept[1]


class _Follower:
    """Asks after each epoch whether to stop; after the first answer it asks no more.

    So what is decided does not depend on how many epochs pass until the ranks hear of it.
    """

    def __init__(self, checkpoint: str, decide: Decide) -> None:
        self._checkpoint = checkpoint
        self._decide = decide
        self.stopped = ""

    def __call__(self, entry: Entry) -> None:
        if self.stopped:
            return
        self.stopped = self._decide(entry)
        if self.stopped:
            ask_to_stop(self._checkpoint)
