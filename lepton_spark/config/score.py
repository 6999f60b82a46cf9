"""Settings of scoring."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lepton_spark.config.model import Settings


class ScoreSettings(Settings):
    """What the rows of a night may be like."""

    max_unseen: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None,
        description="Share of the values of a category column that the model does not know, above"
        " which a night is not published; without it they are not counted.",
    )
