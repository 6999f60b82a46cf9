"""Hold the windows of a case against the columns of its clean tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.config.episode_checker import EpisodeChecker

if TYPE_CHECKING:
    from lepton_spark.config.document import KeyPath
    from lepton_spark.config.windows import Windows


class WindowChecker(EpisodeChecker):
    """Checks that steps can be filled, may be, and that something can read them."""

    def check_windows(self, source: str, windows: Windows) -> None:
        """Both sources have the columns, each measure is a number, and the model reads it."""
        path: KeyPath = ("features", "windows", source)
        self.check_reader(path, "gru", f"windows over {source}")
        columns = self._known_source(path, source)
        self._check_join((*path, "by"), windows.by, source, columns)
        if windows.happened_at is not None:
            place = (*path, "happened_at")
            self.demand(place, self.parse(place, windows.happened_at, columns).kind, {"timestamp"})
        for name in windows.for_each:
            place = (*path, "for_each", name)
            self.silver.refuse_unknown(place, name, columns, source)
            self.demand(place, columns[name].kind, {"string"})
            self.refuse_personal(place, name, columns)
        self._check_measures(path, windows.measures, columns)
