"""The moment at which a fact was true, which is not when it was known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.errors import ConfigError

if TYPE_CHECKING:
    from lepton_spark.config.case import Case


def sources_over_time(case: Case) -> tuple[str, ...]:
    """Sources whose rows are looked up or summed as they are, each once.

    Entities are none: they are known when their last member is, and do not happen.
    """
    used = dict.fromkeys((*case.features.latest, *case.features.history))
    return tuple(name for name in used if name in case.sources)


def require_happened_at(case: Case) -> None:
    """See that each source over time says when its facts happened.

    Raises:
        ConfigError: One does not, or there is none.
    """
    sources = sources_over_time(case)
    missing = [name for name in sources if case.sources[name].happened_at is None]
    if sources and not missing:
        return
    raise ConfigError(
        "LS-1089",
        f"the case {case.case} does not say when rows of {', '.join(missing)} happened"
        if missing
        else f"the case {case.case} has neither latest nor history features of a source",
        "a leak report compares what was known with what had happened; known_at is the former",
        f"add sources.{missing[0]}.happened_at, an expression over its columns"
        if missing
        else "features of the row itself look at nothing that could be known too early, and what"
        " an entity says did not happen at a time",
    )
