"""Settings of what is fitted on training rows: outliers, target encoding, weights of terms."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lepton_spark.config.model import ColumnName, Settings

Then = Literal["flag", "clip", "refuse"]
MAD_LIMIT = 3.0
FOREST_SHARE = 0.01
_QUANTILES = ("p_low", "p_high")
_OWN = {
    "mad": {"limit"},
    "quantile": {*_QUANTILES, "iqr"},
    "isolation_forest": {"share"},
}


class Outliers(Settings):
    """Which values of number features count as outliers, and what becomes of them."""

    by: Literal["mad", "quantile", "isolation_forest"] = Field(
        description="Distance from the median, fences at quantiles, or all columns together."
    )
    limit: float | None = Field(
        None,
        gt=0,
        le=1000,
        description=f"mad: most deviations from the median, {MAD_LIMIT:g} unless said.",
    )
    p_low: float | None = Field(None, ge=0, lt=0.5, description="quantile: that of the low fence.")
    p_high: float | None = Field(
        None, gt=0.5, le=1, description="quantile: that of the high fence."
    )
    iqr: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="quantile: the fences are this many ranges between the quartiles beyond them.",
    )
    share: float | None = Field(
        None,
        gt=0,
        lt=0.5,
        description="isolation_forest: share of training rows that are outliers, "
        f"{FOREST_SHARE:g} unless said.",
    )
    then: Then = Field(
        description="flag adds a 0/1 column, clip moves a value to its fence, refuse takes the "
        "row out of training and gives it no score."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Outliers:
        given = {name for names in _OWN.values() for name in names if getattr(self, name)}
        given |= {name for name in _QUANTILES if getattr(self, name) is not None}
        if foreign := sorted(given - _OWN[self.by]):
            raise ValueError(f"{foreign[0]} means nothing for {self.by}")
        if self.by == "quantile" and given not in ({*_QUANTILES}, {"iqr"}):
            raise ValueError("give p_low and p_high, or iqr")
        if self.by == "isolation_forest" and self.then == "clip":
            raise ValueError("a forest finds rows, not values that could be clipped")
        return self


class TargetEncodingSettings(Settings):
    """Categories as the share of positives among the training rows that have them."""

    columns: tuple[ColumnName, ...] = Field(
        min_length=1, description="Features that are encoded; they are no categories then."
    )
    folds: int = Field(
        5, ge=2, le=20, description="A training row is encoded by the folds it is not in."
    )
    smoothing: float = Field(
        20, gt=0, le=1e6, description="Rows of the overall share that are added to each value."
    )
    max_levels: int = Field(
        100_000, ge=1, le=1_000_000, description="Most values; rarer ones get the overall share."
    )
    seed: int = Field(7, description="Another seed gives other folds.")


class TokenSettings(Settings):
    """A text as the numbers of its words, in their order, for a network that reads it."""

    length: int = Field(ge=1, le=4096, description="Words that are read; longer texts are cut.")
    max_words: int = Field(
        20_000, ge=1, le=1_000_000, description="Words that are known; the most used ones."
    )
    min_rows: int = Field(2, ge=1, description="Words in fewer training rows are not known.")


class TermSettings(Settings):
    """A text as the weights of its terms (TF-IDF)."""

    max_terms: Annotated[int, Field(ge=1, le=2000)] = Field(
        200, description="Most terms, each a column; the most used ones stay."
    )
    ngrams: int = Field(1, ge=1, le=3, description="Most words in a row that make a term.")
    min_rows: int = Field(2, ge=1, description="Terms in fewer training rows are left out.")
