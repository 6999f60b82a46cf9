"""Images as tensors: decoded once, of one size, a byte a pixel and channel."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lepton_spark.dataset.tensors import TensorSpec
from lepton_spark.dataset.values import one_array
from lepton_spark.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PIL import Image

    from lepton_spark.config.images import ImageSettings

Bytes = npt.NDArray[np.uint8]
_MODES = {1: "L", 3: "RGB"}


@dataclass(frozen=True)
class ImageColumn:
    """A column of images, each brought to one size; nothing in it is fitted.

    Args:
        name: Of the input column, bytes.
        channels: 1 is grey, 3 is red, green and blue.
        stored: `file`, or `pixels` without any head.
    """

    name: str
    height: int
    width: int
    channels: int
    stored: str

    @classmethod
    def of(cls, name: str, settings: ImageSettings) -> ImageColumn:
        """As a case asks for it."""
        return cls(name, **settings.model_dump())

    @property
    def tensor(self) -> str:
        """Name of the tensor that it becomes."""
        return f"image_{self.name}"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a row."""
        return self.height, self.width, self.channels

    @property
    def spec(self) -> TensorSpec:
        """What the tensor holds of a row."""
        return TensorSpec(self.shape, "uint8")

    def apply(self, rows: pa.Table | pa.RecordBatch) -> Bytes:
        """Turn rows into `[rows, height, width, channels]`, uint8; null is black.

        Raises:
            ModelError: The column holds no bytes, or bytes that are no such image.
        """
        column = one_array(rows.column(self.name))
        if not pa.types.is_null(column.type) and not _is_bytes(column.type):
            raise ModelError(
                "LS-3013",
                f"column {self.name} has type {column.type}",
                "an image is bytes",
                f"promise {self.name} with physicalType: binary, or take it out of features.images",
            )
        found = np.zeros((rows.num_rows, *self.shape), np.uint8)
        decode = self._from_file if self.stored == "file" else self._from_pixels
        for place, content in enumerate(column):
            if content.is_valid:
                found[place] = decode(content.as_py())
        return found

    def _from_pixels(self, content: bytes) -> Bytes:
        expected = self.height * self.width * self.channels
        if len(content) != expected:
            raise self._refused(f"{len(content)} bytes, expected {expected}")
        return np.frombuffer(content, np.uint8).reshape(self.shape)

    def _from_file(self, content: bytes) -> Bytes:
        from PIL import Image  # noqa: PLC0415  # only where a model reads images

        try:
            with Image.open(io.BytesIO(content)) as image:
                # A large JPEG is decoded at about the size wanted; others ignore it.
                image.draft(_MODES[self.channels], (self.width, self.height))
                plain = _in_bytes(image).convert(_MODES[self.channels])
                # Antialiased: pixels of a larger image are averaged, not left out.
                sized = plain.resize((self.width, self.height), Image.Resampling.BILINEAR)
        except Exception as error:  # of damaged bytes each decoder raises what it likes
            raise self._refused(f"no image that can be decoded ({type(error).__name__})") from error
        return np.asarray(sized, np.uint8).reshape(self.shape)

    def _refused(self, what: str) -> ModelError:
        return ModelError(
            "LS-3015",
            f"column {self.name} holds {what}",
            f"features.images.{self.name} says {self.stored} of {self.height} x {self.width}"
            f" x {self.channels}",
            "correct the sizes, or land the images as `files: {content: image}`, which refuses"
            " what cannot be decoded",
        )

    def check(self) -> None:
        """Raise ValueError where a size cannot be."""
        sizes = (self.height, self.width)
        if min(sizes) < 1 or self.channels not in _MODES or self.stored not in ("file", "pixels"):
            raise ValueError("sizes of an image")


def image_of(document: Mapping[str, Any]) -> ImageColumn:
    """From a JSON document."""
    return ImageColumn(**document)


def _in_bytes(image: Image.Image) -> Image.Image:
    """The same with a byte a pixel: of 16 bits Pillow would make all beyond 255 white."""
    from PIL import Image  # noqa: PLC0415  # only where a model reads images

    if not image.mode.startswith("I"):
        return image
    return Image.fromarray(np.clip(np.rint(np.asarray(image) / 257), 0, 255).astype(np.uint8))


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    )
