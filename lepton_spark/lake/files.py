"""Files at any location that pyarrow can reach: a path, or a URI such as s3://, gs://, hdfs://."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from pyarrow import NativeFile, fs

from lepton_spark.config.location import is_hidden
from lepton_spark.errors import EnvironmentFault
from lepton_spark.lake.catalog import join, scheme_of

PART_BYTES = 8 << 20  # of a large file are written at a time


@dataclass(frozen=True, order=True)
class FileInfo:
    """A file found below a folder.

    Args:
        path: Relative to the folder, with `/`.
        uri: Where to read it.
        modified_at: UTC.
    """

    path: str
    uri: str
    size: int
    modified_at: datetime


def read_bytes(path: str) -> bytes:
    """The whole content of a file.

    Raises:
        FileNotFoundError: There is no such file.
    """
    system, inner = _open(path)
    with system.open_input_stream(inner, compression=None) as stream:
        return bytes(stream.read())


def open_stream(path: str) -> Any:
    """A stream over the stored bytes of a file, for one that may be too large for memory.

    Raises:
        FileNotFoundError: There is no such file.
    """
    system, inner = _open(path)
    return system.open_input_stream(inner, compression=None)


def open_input(path: str) -> NativeFile:
    """A file open for reading at any position; the caller closes it."""
    system, inner = _open(path)
    return system.open_input_file(inner)


def read_text(path: str) -> str:
    """The whole content of a UTF-8 file."""
    return read_bytes(path).decode("utf-8")


def nobody() -> None:
    """Nothing: nobody asks whether more of a file is being written."""


def write_atomically(path: str, content: bytes | str, alive: Callable[[], object] = nobody) -> None:
    """Write a file so that a reader sees the old content or the new, never a part.

    Parent folders are made. The content is in a temporary file beside it first, then renamed.

    Args:
        path: Of the file.
        content: All of it.
        alive: Called between the parts of it, once the store has taken the one before.
    """
    system, inner = _open(path)
    folder, _, name = inner.rpartition("/")
    system.create_dir(folder, recursive=True)
    temporary = f"{folder}/.{name}.{secrets.token_hex(6)}.tmp"
    parts = parts_of(content.encode("utf-8") if isinstance(content, str) else content, alive)
    try:
        with system.open_output_stream(temporary, compression=None) as stream:
            for part in parts:
                stream.write(part)
                stream.flush()  # a remote store takes them meanwhile, and would wait at the end
        system.move(temporary, inner)
    except BaseException:
        if system.get_file_info(temporary).type != fs.FileType.NotFound:
            system.delete_file(temporary)
        raise


def parts_of(content: bytes, alive: Callable[[], object]) -> Iterator[memoryview]:
    """The parts in which a large content is written, none of which is a copy.

    Args:
        content: All of it.
        alive: Called when the next one is asked for.
    """
    for start in range(0, len(content), PART_BYTES):
        if start:
            alive()
        yield memoryview(content)[start : start + PART_BYTES]


def list_files(path: str) -> list[FileInfo]:
    """All files below a folder, in order of their path; none where there is no such folder.

    Hidden names, and what is below such folders, are left out.

    Raises:
        EnvironmentFault: A name is no UTF-8.
    """
    system, inner = _open(path)
    selector = fs.FileSelector(inner, recursive=True, allow_not_found=True)
    found = []
    for info in system.get_file_info(selector):
        if info.type != fs.FileType.File:
            continue
        relative, problem = _path_of(info, inner.rstrip("/") + "/")
        if not any(map(is_hidden, relative.split("/"))):
            _refuse_bytes(problem)
            found.append(FileInfo(relative, join(path, relative), info.size, info.mtime))
    return sorted(found)


def names_in(path: str) -> list[str]:
    """Names directly in a folder, files and folders alike; none where there is no such folder."""
    return [entry.path for entry in entries_of(path)]


def entries_of(path: str) -> list[FileInfo]:
    """What lies directly in a folder, hidden or not, in order of names; folders have size 0.

    Raises:
        EnvironmentFault: A name is no UTF-8.
    """
    system, inner = _open(path)
    selector = fs.FileSelector(inner, recursive=False, allow_not_found=True)
    found = []
    for info in system.get_file_info(selector):
        name, problem = _path_of(info, inner.rstrip("/") + "/")
        _refuse_bytes(problem)
        found.append(FileInfo(name, join(path, name), info.size or 0, info.mtime))
    return sorted(found)


def make_folder(path: str) -> None:
    """Make a folder and its parents; no complaint where it is there."""
    system, inner = _open(path)
    system.create_dir(inner, recursive=True)


def exists(path: str) -> bool:
    """Whether there is a file or folder."""
    system, inner = _open(path)
    return bool(system.get_file_info(inner).type != fs.FileType.NotFound)


def delete_tree(path: str) -> None:
    """Remove a folder with all below it, or a file; no complaint where there is none."""
    system, inner = _open(path)
    kind = system.get_file_info(inner).type
    if kind == fs.FileType.Directory:
        system.delete_dir(inner)
    elif kind == fs.FileType.File:
        system.delete_file(inner)


def named_by_spark(uri: str) -> str:
    """How pyarrow names a file of an encoded URI: local paths as they are, s3: for s3a:."""
    if uri.startswith("file:"):
        return "/" + unquote(uri.removeprefix("file:")).lstrip("/")
    return uri.replace("s3a://", "s3://", 1)


def _path_of(info: fs.FileInfo, above: str) -> tuple[str, str | None]:
    """A path below a folder; and the whole of it, readable, where it is no UTF-8."""
    try:
        return info.path.removeprefix(above), None
    except UnicodeDecodeError as error:  # the disk holds bytes, and Arrow gives texts only
        told = error.object.decode("utf-8", "backslashreplace")
        return told.removeprefix(above), told


def _refuse_bytes(path: str | None) -> None:
    if path is not None:
        raise EnvironmentFault(
            "LS-5022",
            f"the name of {path} is no UTF-8.",
            "a file that cannot be named cannot be read, nor be found again in a table.",
            "rename it; after a zip of another system `convmv` does so for a whole folder.",
        )


def _open(path: str) -> tuple[fs.FileSystem, str]:
    if scheme_of(path) == "file":
        return fs.LocalFileSystem(), join(path)
    # Hadoop and pyarrow name the same store differently.
    system, inner = fs.FileSystem.from_uri(path.replace("s3a://", "s3://", 1))
    return system, inner
