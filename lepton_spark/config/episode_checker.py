"""Hold sessions and baskets against the columns of their source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.config.episode_features import Sessions, kind_of
from lepton_spark.config.feature_checker import FeatureChecker

if TYPE_CHECKING:
    from lepton_spark.config.columns import Columns
    from lepton_spark.config.document import KeyPath
    from lepton_spark.config.episode_features import Baskets


class EpisodeChecker(FeatureChecker):
    """Checks that sessions and baskets can be found, and tell nobody's secrets."""

    def check_episodes(self) -> None:
        """Both sources have the columns to join on, and the source what makes an episode."""
        for source, settings in self.case.features.episodes:
            path: KeyPath = ("features", kind_of(settings), source)
            columns = self._known_source(path, source)
            for index, by in enumerate(settings.by):
                self._check_join((*path, "by", index), by, source, columns)
            if isinstance(settings, Sessions):
                self._check_column((*path, "at"), settings.at, source, columns)
                self.demand((*path, "at"), columns[settings.at].kind, {"timestamp"})
            else:
                self._check_baskets(path, source, settings, columns)

    def _check_baskets(
        self, path: KeyPath, source: str, settings: Baskets, columns: Columns
    ) -> None:
        for index, name in enumerate(settings.basket):
            self._check_column((*path, "basket", index), name, source, columns)
        if settings.item is not None:
            self._check_column((*path, "item"), settings.item, source, columns)
        for name, condition in settings.share.items():
            place = (*path, "share", name)
            checked = self.parse(place, condition, columns)
            for used in checked.exposed:
                self.refuse_personal(place, used, columns)
            self.demand(place, checked.kind, {"boolean"})

    def _check_column(self, path: KeyPath, name: str, source: str, columns: Columns) -> None:
        self.silver.refuse_unknown(path, name, columns, source)
        self.refuse_personal(path, name, columns)
