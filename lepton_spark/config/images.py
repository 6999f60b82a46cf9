"""Settings of images that a model reads."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lepton_spark.config.model import Settings

MAX_SIDE = 1024


class ImageSettings(Settings):
    """What an image is brought to, whatever its own size and colours."""

    height: int = Field(ge=1, le=MAX_SIDE, description="Rows of pixels.")
    width: int = Field(ge=1, le=MAX_SIDE, description="Pixels of a row.")
    channels: Literal[1, 3] = Field(1, description="1 is grey, 3 is red, green and blue.")
    stored: Literal["file", "pixels"] = Field(
        "file",
        description="file: an image file such as PNG or JPEG, resized where it has another size; "
        "pixels: a byte for each, row by row, as idx has them, of exactly this size.",
    )
