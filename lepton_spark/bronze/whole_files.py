"""Whole files as rows: images, texts and documents, by themselves or as members of a tar."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from lepton_spark.bronze.chunk import Chunk, chunks_of
from lepton_spark.bronze.header import positions
from lepton_spark.bronze.records import CELL_LIMIT, Record
from lepton_spark.bronze.text import codec_of, storable
from lepton_spark.errors import DataError

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile
    from lepton_spark.bronze.layout import Layout
    from lepton_spark.config.format import Files

COLUMNS = ("name", "folder", "path", "num_bytes", "content")
IMAGE_COLUMNS = ("width", "height", "channels")
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
_MOST_BYTES = 64 * 1024 * 1024
_MOST_PIXELS = 100_000_000  # a small file may claim to be a huge image
_Content = bytes | str | None


def read_whole(
    file: LandedFile, content: io.BufferedReader, layout: Layout, form: Files
) -> Iterator[Chunk]:
    """A record a file: its name, its last folder, its path and size, what it holds.

    A file of more than 64 MiB is a `file_too_large`, an image that cannot be decoded a
    `bad_image`, bytes or a name that are no text a `bad_encoding`. Members of an archive are never
    written to a disk, and what is no file in it is left out.

    Raises:
        DataError: A promised column is none of these, or an archive is damaged.
    """
    offered = COLUMNS + (IMAGE_COLUMNS if form.content == "image" else ())
    order = positions(offered, layout.promised, path=file.path, ignore_extra=True, is_line=False)
    members = (
        _members(file, content) if file.path.lower().endswith(_ARCHIVES) else _alone(file, content)
    )
    found = (
        _record(row, path, size, stored, form)
        for row, (path, size, stored) in enumerate(members, start=1)
    )
    yield from chunks_of(found, layout, order)


def _alone(file: LandedFile, content: io.BufferedReader) -> Iterator[tuple[str, int, bytes | None]]:
    stored = content.read(_MOST_BYTES + 1)
    yield file.path, file.size, stored if len(stored) <= _MOST_BYTES else None


def _members(
    file: LandedFile, content: io.BufferedReader
) -> Iterator[tuple[str, int, bytes | None]]:
    try:
        with tarfile.open(fileobj=content, mode="r|") as archive:
            for member in archive:
                if member.isfile():
                    yield member.name, member.size, _bytes_of(archive, member)
    except tarfile.TarError as error:
        raise DataError(
            "LS-2098",
            f"{file.path}: the archive is damaged or cut off.",
            "an archive is landed as a whole or not at all.",
            "deliver the file again.",
        ) from error


def _bytes_of(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes | None:
    stream = archive.extractfile(member)
    return stream.read() if stream and member.size <= _MOST_BYTES else None


def _record(row: int, path: str, size: int, stored: bytes | None, form: Files) -> Record:
    written = storable(path)  # a name in an archive may be no UTF-8
    place = PurePosixPath(written)
    where = (place.name, place.parent.name, written, str(size))
    if stored is None:
        return Record(row, (*where, None, None, None, None), "file_too_large", "")
    content, problem = _content(stored, form)
    sizes: tuple[str | None, ...] = (None, None, None)
    if form.content == "image":
        sizes, problem = _image_sizes(stored)
    if written != path:
        problem = problem or "bad_encoding"
    return Record(row, (*where, content, *sizes), problem, None if problem is None else "")


def _content(stored: bytes, form: Files) -> tuple[_Content, str | None]:
    if form.content != "text":
        return stored, None
    text = stored.decode(codec_of(form.encoding), "replace")
    if len(text) > CELL_LIMIT:
        return None, "cell_too_large"
    if "\ufffd" in text:
        return text, "bad_encoding"
    return text, "nul_character" if "\0" in text else None


def _image_sizes(stored: bytes) -> tuple[tuple[str | None, ...], str | None]:
    """Width, height and channels of an image, or the reason why it cannot be decoded."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415  # only where images are landed

    try:
        with Image.open(io.BytesIO(stored)) as image:
            width, height = image.size
            if width * height > _MOST_PIXELS:
                return (None, None, None), "image_too_large"
            image.load()
            bands: Any = image.getbands()
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError):
        return (None, None, None), "bad_image"
    return (str(width), str(height), str(len(bands))), None
