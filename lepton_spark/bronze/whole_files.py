"""Whole files as rows: images, texts and documents, by themselves or as members of a tar."""

from __future__ import annotations

import io
import tarfile
import warnings
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NoReturn, Self

from lepton_spark.bronze.chunk import Chunk, chunks_of, require_kind
from lepton_spark.bronze.header import positions
from lepton_spark.bronze.records import CELL_LIMIT, Record
from lepton_spark.bronze.text import codec_of, storable
from lepton_spark.errors import DataError

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile
    from lepton_spark.bronze.layout import Layout
    from lepton_spark.config.format import Files

_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
_MOST_BYTES = 64 * 1024 * 1024
_PART_BYTES = 1024 * 1024
_MOST_PIXELS = 100_000_000  # a small file may claim to be a huge image
_Content = bytes | str | None


def read_whole(
    file: LandedFile, content: io.BufferedReader, layout: Layout, form: Files
) -> Iterator[Chunk]:
    """A record a file: its name, its last folder, its path, its size unpacked, what it holds.

    A file of more than 64 MiB is a `file_too_large`, an image that cannot be decoded a
    `bad_image`, bytes or a name that are no text a `bad_encoding`. Members of an archive are never
    written to a disk; folders, symbolic links and devices in it are left out.

    Raises:
        DataError: A promised column is none of these, or is promised as text where it is bytes; an
            archive is damaged, goes on after its end, or has a hard link, whose content it does
            not hold again.
    """
    order = positions(
        form.offered, layout.promised, path=file.path, ignore_extra=True, is_line=False
    )
    is_bytes = form.content != "text"
    require_kind(file.path, layout.promised, "content", is_bytes=is_bytes)
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
    # The size of a file that is packed is known once all of it was read.
    size = len(stored) + sum(map(len, iter(lambda: content.read(_PART_BYTES), b"")))
    yield file.path, size, stored if size <= _MOST_BYTES else None


class _Header(tarfile.TarInfo):
    """What an archive says of a member."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        """The next header; one that is damaged or missing is no end, for which it would be taken.

        Raises:
            ReadError: It is so.
        """
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # typeshed lacks it
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error


def _members(
    file: LandedFile, content: io.BufferedReader
) -> Iterator[tuple[str, int, bytes | None]]:
    try:
        with tarfile.open(fileobj=content, mode="r|", tarinfo=_Header) as archive:
            for member in archive:
                if member.islnk():
                    _refuse(file, "a member is a hard link", "pack it with tar --hard-dereference.")
                if member.isfile():
                    yield member.name, member.size, _bytes_of(archive, member)
                # It would keep every header that it has read.
                archive.members.clear()  # type: ignore[attr-defined]  # typeshed lacks it
            if _goes_on(archive):
                _refuse(file, "there are data after its end", "deliver each archive as a file.")
    except (tarfile.TarError, ValueError):  # a number in a header may be none
        _refuse(file, "the archive is damaged or cut off", "deliver the file again.")


def _goes_on(archive: tarfile.TarFile) -> bool:
    """Whether anything but zeros follows the end; reads it to where the file ends."""
    rest: Any = archive.fileobj
    parts = iter(lambda: rest.read(_PART_BYTES), b"")
    return any(part.strip(b"\0") for part in parts)


def _refuse(file: LandedFile, what: str, fix: str) -> NoReturn:
    why = "an archive is landed as a whole or not at all."
    raise DataError("LS-2098", f"{file.path}: {what}.", why, fix)


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
    from PIL import Image  # noqa: PLC0415  # only where images are landed

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # refused here as well
            with Image.open(io.BytesIO(stored)) as image:
                width, height = image.size
                if width * height > _MOST_PIXELS:
                    return (None, None, None), "image_too_large"
                image.load()
                bands: Any = image.getbands()
    except Image.DecompressionBombError:
        return (None, None, None), "image_too_large"
    except Exception:  # noqa: BLE001  # of damaged bytes each decoder raises what it likes
        return (None, None, None), "bad_image"
    return (str(width), str(height), str(len(bands))), None
