"""Digest of what features follow from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lepton_spark import __version__
from lepton_spark.features.section import OVER_TIME
from lepton_spark.features.survey import FoundFile, read_from
from lepton_spark.lake.marker import json_digest

if TYPE_CHECKING:
    from lepton_spark.config.case import Case
    from lepton_spark.features.holiday import Holidays

_NOT_USED = "happened_at"  # no feature reads it


def fingerprint_of(
    case: Case, files: Sequence[FoundFile], holidays: Mapping[str, Holidays] | None = None
) -> str:
    """SHA-256 of inputs, settings and code: a file that was landed never changes.

    Args:
        case: Its sources, moment and features.
        files: All that were found.
        holidays: By column; another release of their package may know others.
    """
    features = case.features
    used = {case.predict.each}
    for kind in OVER_TIME:
        used |= set(getattr(features, kind))
    content = {
        "inputs": read_from(files),
        "sources": {name: _settings(case, name) for name in sorted(used)},
        "predict": case.predict.model_dump(mode="json", include={"each", "day", "at"}),
        "features": features.model_dump(mode="json"),
        "holidays": {name: list(map(str, found.days)) for name, found in (holidays or {}).items()},
        "code": __version__,
    }
    return json_digest(content)


def _settings(case: Case, name: str) -> dict[str, Any]:
    settings = case.entities.get(name) or case.sources[name]
    return settings.model_dump(mode="json", exclude={_NOT_USED})
