"""64 bits for each value, the same in every process and on every machine."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Words = npt.NDArray[np.uint64]
_STEP = np.uint64(0x9E3779B97F4A7C15)
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_BYTES = 8
# The first 0 to 8 bytes of a word that was read little-endian.
_MASKS = np.array([(1 << (8 * count)) - 1 for count in range(_BYTES + 1)], np.uint64)
# Longer texts are rare enough to be hashed one at a time.
_LONG = 256


def hash_numbers(values: npt.NDArray[np.generic]) -> Words:
    """A hash of each number.

    Args:
        values: Whole numbers or floats; the same number in another width has the same hash. A
            negative zero and a NaN must have been replaced.
    """
    is_float = values.dtype.kind == "f"
    wide = values.astype(np.float64 if is_float else np.int64, copy=False)
    return _mix(wide.view(np.uint64))


def hash_texts(texts: pa.Array) -> Words:
    """A hash of each text, by its UTF-8 bytes.

    Args:
        texts: Strings without nulls.
    """
    starts, lengths, content = _bytes_of(texts)
    found = _mix(lengths.astype(np.uint64))
    # Eight bytes from any place, aligned or not.
    shape = (len(content) - _BYTES + 1,)
    words: Words = np.ndarray(shape, np.dtype("<u8"), content, strides=(1,))
    longest = int(lengths.max(initial=0))
    for first in range(0, min(longest, _LONG), _BYTES):
        at = np.flatnonzero((lengths > first) & (lengths <= _LONG))
        word = words[starts[at] + first] & _MASKS[np.minimum(lengths[at] - first, _BYTES)]
        found[at] = _mix(found[at] ^ word)
    for place in np.flatnonzero(lengths > _LONG):
        text = content[starts[place] : starts[place] + lengths[place]]
        found[place] = int.from_bytes(
            hashlib.blake2b(text.tobytes(), digest_size=8).digest(), "little"
        )
    return found


def _bytes_of(
    texts: pa.Array,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Where each text starts, how long it is, and the bytes of all with eight more behind."""
    texts = texts.cast(pa.large_string())
    _, places, content = texts.buffers()
    offsets = np.frombuffer(places, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    used = np.frombuffer(content, np.uint8) if content is not None else np.empty(0, np.uint8)
    first, end = (int(offsets[0]), int(offsets[-1])) if len(texts) else (0, 0)
    padded = np.concatenate([used[first:end], np.zeros(_BYTES, np.uint8)])
    return offsets[:-1] - first, np.diff(offsets), padded


def _mix(words: Words) -> Words:
    """The finaliser of SplitMix64, a one-to-one map."""
    mixed = words + _STEP
    shifted = np.empty_like(mixed)
    for shift, factor in zip(_SHIFTS, _FACTORS, strict=False):
        np.right_shift(mixed, shift, out=shifted)
        mixed ^= shifted
        mixed *= factor
    np.right_shift(mixed, _SHIFTS[-1], out=shifted)
    mixed ^= shifted
    return mixed
