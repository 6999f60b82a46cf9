"""Where the candidates of one dataset and one set of settings are kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lepton_spark import __version__
from lepton_spark.config.row_feature import categories_of
from lepton_spark.lake import files
from lepton_spark.lake.catalog import join, path_of
from lepton_spark.lake.marker import json_digest
from lepton_spark.train.checkpoint import LAST
from lepton_spark.train.network import NOT_WEIGHTS

if TYPE_CHECKING:
    from lepton_spark.config.train import TrainSettings
    from lepton_spark.context import RunContext
    from lepton_spark.lake.marker import Marker


@dataclass(frozen=True)
class Candidates:
    """A folder of candidates; found again by every stage from the same inputs.

    Args:
        path: Path or URI.
        fingerprint: SHA-256 of all that the candidates follow from.
        judging: SHA-256 of what they are judged by.
    """

    path: str
    fingerprint: str
    judging: str

    @property
    def checkpoint(self) -> str:
        """Folder of the network's checkpoints."""
        return join(self.path, "checkpoint")

    def rows(self, part: str) -> str:
        """Folder of a copy of the rows of a part, there while training lasts."""
        return join(self.checkpoint, "rows", part)

    @property
    def last(self) -> str:
        """File of the network's weights after its last epoch; the candidate has those of the best.

        npz of `models.weights`, the same arrays under the same names.
        """
        return join(self.path, LAST)

    @property
    def evaluation(self) -> str:
        """File with all metrics, the ranking and the verdicts; there once all is judged."""
        return join(self.path, "judged", self.judging[:16], "evaluation.json")

    def candidate(self, name: str) -> str:
        """Folder of the bundle of a candidate, as it came out of training."""
        return join(self.path, "candidates", name)

    def judged(self, name: str) -> str:
        """Folder of the same bundle with `gate.json` and `evaluation.json`."""
        return join(self.path, "judged", self.judging[:16], name)

    def trained(self) -> dict[str, str] | None:
        """Digest of each candidate by name; None where training has not ended."""
        return _read(join(self.path, "trained.json"))

    def finish(self, digests: dict[str, str]) -> None:
        """Say that all candidates are there."""
        files.write_atomically(join(self.path, "trained.json"), json.dumps(digests))

    def judgement(self) -> dict[str, Any] | None:
        """What `evaluation.json` says; None where the candidates have not been judged."""
        return _read(self.evaluation)


def _read(path: str) -> dict[str, Any] | None:
    try:
        document: dict[str, Any] = json.loads(files.read_text(path))
    except FileNotFoundError:
        return None
    return document


def folder(context: RunContext, dataset_marker: Marker) -> Candidates:
    """The folder of the candidates for a published dataset and the settings of the case.

    Args:
        context: Its case decides how models are trained and judged.
        dataset_marker: Of the publication of gold.<case>_dataset for the date of the run.
    """
    case = context.case
    training = {
        "dataset": dataset_marker.fingerprint,
        "transform": case.transform.model_dump(mode="json"),
        "as_category": sorted(categories_of(case.features)),
        "tensors": case.features.model_dump(mode="json", include={"images", "graphs"}),
        "model": case.model.model_dump(mode="json"),
        "train": _training(case.train),
        "better_than": case.aim.gate.better_than,
        "code": __version__,
    }
    judging = {
        "evaluate": case.evaluate.model_dump(mode="json"),
        "gate": case.aim.gate.model_dump(mode="json"),
    }
    fingerprint = json_digest(training)
    path = path_of(
        context.environment, "models", case.case, context.as_of.isoformat(), fingerprint[:16]
    )
    return Candidates(path, fingerprint, json_digest(judging))


def _training(settings: TrainSettings) -> dict[str, Any]:
    """The settings that weights follow from; the local launcher has one worker."""
    found = settings.model_dump(mode="json", exclude=NOT_WEIGHTS)
    return found | ({"workers": 1} if settings.launcher == "local" else {})
