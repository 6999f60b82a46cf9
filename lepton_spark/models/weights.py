"""Arrays as bytes: npz without pickle, the same bytes for the same arrays."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lepton_spark.errors import ModelError

Array = npt.NDArray[np.generic]
MAX_BYTES = 1 << 30
MAX_ARRAYS = 4096
_KINDS = "fiub"
_MEMBER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}\.npy")
_ALWAYS_THE_SAME_DAY = (1980, 1, 1, 0, 0, 0)  # a wall clock here would change the digest


def pack(arrays: Mapping[str, Array]) -> bytes:
    """Write arrays of numbers as an uncompressed npz, in the order given."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.save(member, np.asarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", _ALWAYS_THE_SAME_DAY)
            archive.writestr(entry, member.getvalue())
    return target.getvalue()


def unpack(
    content: bytes, *, max_bytes: int = MAX_BYTES, max_arrays: int = MAX_ARRAYS
) -> dict[str, Array]:
    """Read the arrays of `pack`, in their order; every byte is covered by a checksum.

    Raises:
        ModelError: Not such an archive, damaged, an array of objects, or beyond a limit.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            _check(members, max_bytes, max_arrays)
            return {m.filename.removesuffix(".npy"): _read(archive, m) for m in members}
    except (ValueError, OSError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        raise ModelError(
            "LS-3021",
            f"the weights cannot be read ({type(error).__name__})",
            "weights are an npz of plain numbers, never pickled, with a right checksum each",
            "restore the model's files, or train again",
        ) from error


def _check(members: list[zipfile.ZipInfo], max_bytes: int, max_arrays: int) -> None:
    names = [member.filename for member in members]
    if len(names) > max_arrays or len(set(names)) != len(names):
        raise ValueError("too many members, or two of one name")
    if sum(member.file_size for member in members) > max_bytes:
        raise ValueError("too large")
    for name in names:
        if not _MEMBER.fullmatch(name) or ".." in name.split("/"):
            raise ValueError("unsafe name")


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    array: Array = np.load(io.BytesIO(archive.read(member)), allow_pickle=False)
    if array.dtype.kind not in _KINDS:
        raise ValueError("not numbers")
    return array
