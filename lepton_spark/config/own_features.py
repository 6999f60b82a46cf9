"""Settings of features that follow from a row itself: its calendar, its texts, its columns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lepton_spark.config.model import ColumnName, Settings, ZoneName

MAX_BUCKETS = 1_000_000
MAX_NGRAM_COLUMNS = 512  # each is a column of the feature table
MAX_NGRAM = 8

CalendarPart = Literal[
    "year", "quarter", "month", "week", "day_of_year", "day_of_month", "day_of_week", "hour",
    "minute", "is_weekend", "is_month_start", "is_month_end", "days_to_month_end",
]  # fmt: skip
TextMeasure = Literal[
    "num_chars", "num_words", "num_sentences", "share_digits", "share_upper", "share_punctuation",
    "mean_word_length",
]  # fmt: skip
Period = Literal["day", "week", "month", "quarter", "year"]
Harmonics = Annotated[int, Field(ge=1, le=20)]
Buckets = Annotated[int, Field(ge=2, le=MAX_BUCKETS)]


class Calendar(Settings):
    """What the calendar says of a date, or of an instant as clocks of a zone show it."""

    parts: tuple[CalendarPart, ...] = Field(
        (), description="Weeks are of ISO 8601, Monday is day 1; the weekend is Saturday, Sunday."
    )
    holidays: str | None = Field(
        None,
        pattern=r"^[A-Z]{2}(-[A-Za-z0-9]{1,10})?$",
        description="Country, or country and subdivision, such as AT or GB-ENG: adds is_holiday,"
        " days_to_holiday and days_since_holiday, which are 0 on the day itself.",
    )
    zone: ZoneName | None = Field(None, description="Of the clocks, for an instant.")

    @model_validator(mode="after")
    def _something(self) -> Calendar:
        if not self.parts and self.holidays is None:
            raise ValueError("give parts, holidays or both")
        return self


class Fourier(Settings):
    """Sine and cosine of the time within a period, and of its harmonics."""

    periods: dict[Period, Harmonics] = Field(
        min_length=1, description="Period: how many pairs; 3 are once, twice and thrice a period."
    )
    zone: ZoneName | None = Field(None, description="Of the clocks, for an instant.")


class Ngrams(Settings):
    """How often runs of words or characters occur, counted by a hash of the run."""

    of: Literal["words", "characters"] = Field(description="What a run is made of.")
    from_: int = Field(1, alias="from", ge=1, le=MAX_NGRAM, description="Shortest run.")
    to: int = Field(1, ge=1, le=MAX_NGRAM, description="Longest run.")
    buckets: int = Field(
        ge=2, le=MAX_NGRAM_COLUMNS, description="Columns; runs with one hash share a column."
    )

    @model_validator(mode="after")
    def _forward(self) -> Ngrams:
        if self.from_ > self.to:
            raise ValueError("from must not be above to")
        return self


class Text(Settings):
    """Numbers that describe a text."""

    measures: tuple[TextMeasure, ...] = Field(
        (), description="Shares are of all characters; words have letters or digits."
    )
    ngrams: Ngrams | None = Field(None, description="Counts of runs, of the text in lower case.")

    @model_validator(mode="after")
    def _something(self) -> Text:
        if not self.measures and self.ngrams is None:
            raise ValueError("give measures, ngrams or both")
        return self


class Cross(Settings):
    """Categories taken together, as one category."""

    of: tuple[ColumnName, ...] = Field(
        min_length=2, max_length=8, description="Text, whole numbers, booleans or dates."
    )
    buckets: Buckets | None = Field(
        None, description="The number of a bucket, by hash, in place of the text."
    )


class Interactions(Settings):
    """New features from several columns of the row."""

    products: dict[ColumnName, tuple[ColumnName, ...]] = Field(
        default_factory=dict, description="New feature: the numbers that are multiplied."
    )
    ratios: dict[ColumnName, tuple[ColumnName, ColumnName]] = Field(
        default_factory=dict, description="New feature: dividend and divisor."
    )
    crosses: dict[ColumnName, Cross] = Field(
        default_factory=dict, description="New feature: categories taken together."
    )

    @model_validator(mode="after")
    def _two_factors(self) -> Interactions:
        if any(len(factors) < 2 for factors in self.products.values()):  # noqa: PLR2004  # a pair
            raise ValueError("a product has two columns or more")
        return self


class Hashing(Settings):
    """A category with too many values for a vocabulary, as the number of a bucket."""

    buckets: Buckets = Field(description="How many; values with one hash share a bucket.")
