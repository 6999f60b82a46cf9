"""Names of the feature columns that a case asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.config.episode_features import episode_names, kind_of
from lepton_spark.config.model import window_label
from lepton_spark.config.row_feature import row_features

if TYPE_CHECKING:
    from lepton_spark.config.case import Case
    from lepton_spark.config.document import KeyPath
    from lepton_spark.config.windows import Windows


def feature_names(case: Case) -> tuple[str, ...]:
    """Names of all feature columns: of the row, latest, history, episodes, windows, as written."""
    return tuple(name for name, _ in named_features(case))


def named_features(case: Case) -> list[tuple[str, KeyPath]]:
    """Each feature column and the key path that asks for it, in the order written."""
    features = case.features
    names: list[tuple[str, KeyPath]] = [
        (name, ("features", "own", index)) for index, name in enumerate(features.own)
    ]
    names += [(name, ("features", "images", name)) for name in features.images]
    for graph, settings in features.graphs.items():
        names += [(name, ("features", "graphs", graph)) for name in settings.columns]
    names += [(feature.name, feature.path) for feature in row_features(features)]
    for source, latest in features.latest.items():
        path: KeyPath = ("features", "latest", source)
        names += [(f"{source}_{column}", (*path, "take")) for column in latest.take]
        names.append((f"{source}_age_hours", path))
    for source, history in features.history.items():
        path = ("features", "history", source)
        for columns in history.by:
            by = "_".join(columns) or "all"
            names += [
                (f"{source}_by_{by}_{window_label(window)}_{measure}", (*path, "measures", measure))
                for window in history.over
                for measure, settings in history.measures.items()
                if settings.is_over(window)
            ]
    for source, episodes in features.episodes:
        path = ("features", kind_of(episodes), source)
        names += [(name, path) for name in episode_names(source, episodes)]
    for source, windows in features.windows.items():
        for variable, (_, measure) in windows.variables.items():
            place: KeyPath = ("features", "windows", source, "measures", measure)
            names += [(name, place) for name in window_names(source, windows, variable)]
    return names


def window_names(source: str, windows: Windows, variable: str) -> tuple[str, str, str]:
    """The columns of one variable: its values, its mask and its gaps."""
    name = f"{source}_{windows.steps}x{window_label(windows.every)}_{variable}"
    return name, f"{name}_mask", f"{name}_gap"
