"""Settings of an entity: rows of one or more sources that mean the same thing become one."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from lepton_spark.config.model import ColumnName, Identifier, Settings, SqlExpression

Share = Annotated[float, Field(gt=0, lt=1)]
Shares = Annotated[tuple[Share, ...], Field(min_length=1, max_length=5)]
Edits = Annotated[tuple[Annotated[int, Field(ge=1, le=50)], ...], Field(min_length=1, max_length=5)]
Gap = Annotated[float, Field(ge=0)]
Gaps = Annotated[tuple[Gap, ...], Field(min_length=1, max_length=5)]
LinkType = Literal["dedupe_only", "link_only", "link_and_dedupe"]
Survival = Literal["trust", "recency", "completeness"]

_KINDS = ("exact", "jaro_winkler", "jaccard", "levenshtein", "difference", "days")
_SHARES = ("jaro_winkler", "jaccard")


class Member(Settings):
    """A source whose rows are members of entities."""

    trust: int = Field(0, ge=0, le=100, description="Of two values the more trusted one survives.")
    columns: dict[ColumnName, ColumnName] = Field(
        default_factory=dict,
        description="Column of the entity: column of this source, where the names differ.",
    )


class Comparison(Settings):
    """How two values are compared: one kind, and its levels below equality, closest first.

    Texts are compared in lower case and without punctuation. A missing value says nothing.
    """

    exact: Literal[True] | None = Field(None, description="Equal or not.")
    jaro_winkler: Shares | None = Field(None, description="Names: similarities, such as [.95, .8].")
    jaccard: Shares | None = Field(
        None, description="Texts: shares of all their words that both have, such as [.8, .5]."
    )
    levenshtein: Edits | None = Field(None, description="Codes: letters that differ, as [1, 2].")
    difference: Gaps | None = Field(None, description="Numbers: how far apart, such as [1, 10].")
    days: Gaps | None = Field(None, description="Dates and instants: days apart, such as [1, 30].")
    term_frequencies: bool = Field(
        False, description="Equal values that are rare say more than those that are common."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Comparison:
        kinds = [kind for kind in _KINDS if getattr(self, kind) is not None]
        if len(kinds) != 1:
            raise ValueError(f"give exactly one of {', '.join(_KINDS)}")
        pairs = pairwise(self.levels)
        is_ordered = (a > b if self.kind in _SHARES else a < b for a, b in pairs)
        if not all(is_ordered):
            raise ValueError("write the levels from the closest to the farthest")
        return self

    @property
    def kind(self) -> str:
        """Which of the kinds is set."""
        return next(kind for kind in _KINDS if getattr(self, kind) is not None)

    @property
    def levels(self) -> tuple[float, ...]:
        """The levels below equality, closest first; none where only equality counts."""
        return () if self.exact else tuple(getattr(self, self.kind))


class Entity(Settings):
    """Rows that mean the same person, product or place, found without labels by Splink."""

    sources: dict[Identifier, Member] = Field(
        alias="from", min_length=1, max_length=10, description="Sources by name."
    )
    match: dict[ColumnName, Comparison] = Field(
        min_length=2, max_length=20, description="Column: how its values are compared."
    )
    block: tuple[SqlExpression, ...] = Field(
        min_length=1,
        max_length=10,
        description="Expressions; rows are compared where one of them gives the same value.",
    )
    keep: dict[ColumnName, Survival] = Field(
        min_length=1,
        description="Column: whose value survives, that of the most trusted source, of the newest "
        "row or of the row with the fewest gaps.",
    )
    link_type: LinkType | None = Field(
        None,
        description="dedupe_only within one source (its default), link_only across sources "
        "(the default of several), link_and_dedupe both.",
    )
    one_to_one: bool = Field(
        False, description="An entity has at most one row of each source: the best link counts."
    )
    threshold: Share = Field(0.9, description="Match probability from which two rows are linked.")
    probability_two_random_records_match: Share | None = Field(
        None, description="Splink's prior; by default one in as many as the largest source has."
    )
    max_block_rows: int = Field(
        1000, ge=2, le=100_000, description="Larger blocks are not compared, but reported."
    )
    max_members: int = Field(
        100, ge=2, le=10_000, description="Larger entities are taken apart again and reported."
    )

    @model_validator(mode="after")
    def _fits_sources(self) -> Entity:
        is_alone = len(self.sources) == 1
        if is_alone and self.links != "dedupe_only":
            raise ValueError("link_type of a single source is dedupe_only")
        if not is_alone and self.links == "dedupe_only":
            raise ValueError("link_type of several sources is link_only or link_and_dedupe")
        if self.one_to_one and self.links != "link_only":
            raise ValueError("one_to_one needs link_type link_only and more than one source")
        return self

    @property
    def links(self) -> LinkType:
        """Between which rows links may be."""
        return self.link_type or ("dedupe_only" if len(self.sources) == 1 else "link_only")

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is compared or kept, in the order written."""
        return tuple(dict.fromkeys([*self.keep, *self.match]))

    def column_of(self, source: str, name: str) -> str:
        """What a source calls a column of the entity."""
        return self.sources[source].columns.get(name, name)


def id_of(entity: str) -> str:
    """The column that identifies an entity, which is also the key of its table."""
    return f"{entity}_id"


def members_of(entity: str) -> str:
    """Name of the table that says which rows make up each entity."""
    return f"{entity}_members"


def compared(name: str) -> str:
    """What a column is called where rows are compared, so that it meets none of Splink's names."""
    return f"c_{name}"


def block_of(rule: int) -> str:
    """The column that holds the block of a rule, as a digest."""
    return f"block_{rule}"
