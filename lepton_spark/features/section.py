"""The sections of a case that look at other rows than the one to predict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lepton_spark.config.episode_features import Baskets, Sessions
from lepton_spark.config.happened_at import sources_over_time
from lepton_spark.features.episode import plan_episodes
from lepton_spark.features.plan import Planned, make_plan

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.config.case import Case
    from lepton_spark.config.features import Features, History, Latest
    from lepton_spark.config.windows import Windows

    Section = Latest | History | Sessions | Baskets | Windows
    Asked = tuple[str, str, Section]

OVER_TIME = ("latest", "history", "sessions", "baskets", "windows")
AS_THEY_ARE = ("latest", "history")  # each row by itself, not what it is a part of


def sections(features: Features, kinds: Sequence[str]) -> Iterator[Asked]:
    """Name, source and settings of each section of some kinds, in the order of the table."""
    for kind in kinds:
        for source, settings in getattr(features, kind).items():
            yield f"{kind}.{source}", source, settings


def sections_of_facts(case: Case) -> Iterator[Asked]:
    """Those that look at rows as they are, of sources: what an entity says did not happen."""
    facts = sources_over_time(case)
    return (asked for asked in sections(case.features, AS_THEY_ARE) if asked[1] in facts)


def plans_of(source: str, settings: Section, rows: DataFrame) -> tuple[Planned, ...]:
    """The plans of one section.

    Args:
        source: Its name.
        settings: The section.
        rows: Of the source; only the schema is looked at.

    Raises:
        ConfigError: An expression is not allowed, or gives what cannot be summed.
    """
    if isinstance(settings, Sessions | Baskets):
        return plan_episodes(source, settings, rows)
    return (make_plan(source, settings, rows),)
