"""Arrays as MNIST has them: a magic number, the sizes of each dimension, then the values.

The form is described at the foot of http://yann.lecun.com/exdb/mnist/ (LeCun, Cortes, Burges).
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn

import pyarrow as pa

from lepton_spark.bronze.chunk import Chunk, chunks_of, require_kind
from lepton_spark.bronze.header import positions
from lepton_spark.bronze.records import Record
from lepton_spark.errors import DataError

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile
    from lepton_spark.bronze.layout import Layout
    from lepton_spark.config.format import Idx

_FORMATS = {0x08: "B", 0x09: "b", 0x0B: "h", 0x0C: "i", 0x0D: "f", 0x0E: "d"}
_MOST_DIMENSIONS = 8
_MOST_ITEM_BYTES = 64 * 1024 * 1024


def read_idx(
    file: LandedFile, content: io.BufferedReader, layout: Layout, form: Idx
) -> Iterator[Chunk]:
    """A record an item of the first dimension: `index` from 0, and `value`.

    The value is a number as text where there is one dimension, else the bytes of the item in the
    order of the file. `height` and `width` are the next two sizes, where there are any.

    Raises:
        DataError: The file is not of this form, or has less or more than it says; or the contract
            promises text where it holds bytes, or bytes where it holds numbers.
    """
    order = positions(
        form.offered, layout.promised, path=file.path, ignore_extra=True, is_line=False
    )
    letter, sizes = _head(file, content)
    require_kind(file.path, layout.promised, "value", is_bytes=len(sizes) > 1)
    yield from chunks_of(_items(file, content, letter, sizes), layout, order)


def kinds_in(file: LandedFile, content: io.BufferedReader) -> dict[str, pa.DataType | None]:
    """The columns of a contract and their types in the file; None for a number as text.

    Raises:
        DataError: The file is not of this form.
    """
    _, sizes = _head(file, content)
    return {"index": None, "value": pa.binary() if len(sizes) > 1 else None}


def _head(file: LandedFile, content: io.BufferedReader) -> tuple[str, tuple[int, ...]]:
    magic = content.read(4)
    is_idx = len(magic) == 4 and magic[:2] == b"\0\0" and magic[2] in _FORMATS  # noqa: PLR2004  # bytes of the magic number
    if not is_idx or not 0 < magic[3] <= _MOST_DIMENSIONS:
        _refuse(file, "it does not begin like an IDX file")
    found = content.read(4 * magic[3])
    if len(found) < 4 * magic[3]:
        _refuse(file, "it is cut off")
    return _FORMATS[magic[2]], struct.unpack(f">{magic[3]}I", found)


def _items(
    file: LandedFile, content: io.BufferedReader, letter: str, sizes: tuple[int, ...]
) -> Iterator[Record]:
    number, *shape = sizes
    item = math.prod(shape) * struct.calcsize(letter)
    if item > _MOST_ITEM_BYTES:
        _refuse(file, f"an item of it has {item} bytes, more than {_MOST_ITEM_BYTES}")
    if item == 0 and number > 0:
        _refuse(file, f"it says that it has {number} items of 0 bytes")
    height, width = (str(shape[place]) if len(shape) > place else None for place in (0, 1))
    for index in range(number):
        found = content.read(item)
        if len(found) < item:
            _refuse(file, f"it says that it has {number} items, and has {index}")
        value = found if shape else str(struct.unpack(f">{letter}", found)[0])
        yield Record(index + 1, (str(index), value, height, width))
    if content.read(1):
        _refuse(file, f"it says that it has {number} items, and has more")


def _refuse(file: LandedFile, what: str) -> NoReturn:
    raise DataError(
        "LS-2095",
        f"{file.path}: {what}.",
        "an IDX file says how much it holds; it is landed as a whole or not at all.",
        "deliver the file again.",
    )
