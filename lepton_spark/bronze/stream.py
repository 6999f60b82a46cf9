"""Bytes of a raw file, with the SHA-256 of the very bytes that were read."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from lepton_spark.errors import DataError, EnvironmentFault, LeptonError
from lepton_spark.lake import files

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile

# Up to this size a file is read once and kept; a larger one is read twice.
_KEPT_BYTES = 32 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_SNIFFED_BYTES = 4096
_FOREIGN = {b"PAR1": "a Parquet file", b"PK\x03\x04": "a zip archive", b"\x1f\x8b": "gzip data"}
_WIDE = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_Opener = Callable[[Any], Any]
COMPRESSIONS: Mapping[str, _Opener] = {
    ".gz": lambda stored: gzip.GzipFile(fileobj=stored),
    ".tgz": lambda stored: gzip.GzipFile(fileobj=stored),
    ".bz2": lambda stored: _Streams(stored, bz2.BZ2Decompressor),
    ".xz": lambda stored: _Streams(stored, lzma.LZMADecompressor, padding=b"\0"),
    ".zst": lambda stored: pa.CompressedInputStream(pa.PythonFile(stored, "r"), "zstd"),
}
# What the readers raise where compressed data are damaged or cut off.
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError)


class _Streams(io.RawIOBase):
    """The content of compressed streams that follow each other, every one of them whole.

    Args:
        stored: The compressed bytes.
        start: Makes the decompressor of a stream.
        padding: What may lie between streams and after the last.
    """

    # BZ2File and LZMAFile take a later stream that is damaged for the end, without a word.
    def __init__(self, stored: Any, start: Callable[[], Any], padding: bytes = b"") -> None:
        super().__init__()
        self._stored = stored
        self._start = start
        self._padding = padding
        self._stream = start()

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a part of a buffer; 0 at the end.

        Raises:
            EOFError: A stream is cut off.
        """
        found = b""
        while not found:
            stored = self._next()
            if stored is None:
                return 0
            found = self._stream.decompress(stored, len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def _next(self) -> bytes | None:
        """What the stream is to take in, a new one after the last; None at the end of all."""
        if self._stream.eof:
            stored = self._stream.unused_data.lstrip(self._padding)
            while not stored:
                stored = self._stored.read(_CHUNK_BYTES)
                if not stored:
                    return None
                stored = stored.lstrip(self._padding)
            self._stream = self._start()
            return bytes(stored)
        if not self._stream.needs_input:
            return b""
        stored = self._stored.read(_CHUNK_BYTES)
        if not stored:
            raise EOFError("the compressed data are cut off")
        return bytes(stored)


class HashedStream(io.RawIOBase):
    """A readable stream that hashes and counts what passes through it.

    Args:
        inner: The stored bytes, from their start.
        again: Opens them once more, at any position.
    """

    def __init__(self, inner: Any, again: Callable[[], Any]) -> None:
        super().__init__()
        self._inner = inner
        self.seekable_copy = again
        self._hash = hashlib.sha256()
        self.num_bytes = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer; 0 at the end."""
        chunk = self._inner.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self._hash.update(chunk)
        self.num_bytes += len(chunk)
        return len(chunk)

    def buffered(self, path: str) -> io.BufferedReader:
        """The content, decompressed where the ending of the path says that it is compressed."""
        opener = COMPRESSIONS.get(path[path.rfind(".") :].lower())
        inner: Any = self if opener is None else opener(io.BufferedReader(self, _CHUNK_BYTES))
        return io.BufferedReader(cast("io.RawIOBase", inner), _CHUNK_BYTES)

    def drain(self) -> str:
        """Read what is left; the SHA-256 of all."""
        buffer = bytearray(_CHUNK_BYTES)
        while self.readinto(buffer):
            pass
        return self._hash.hexdigest()

    def verify(self, file: LandedFile, digest: str) -> None:
        """See that the bytes just read are those that were hashed, and as many as were listed.

        Raises:
            DataError: The file changed meanwhile.
        """
        if self.drain() != digest or self.num_bytes != file.size:
            raise changed(file.path, "while it was read")


def open_hashed(file: LandedFile) -> tuple[HashedStream, str]:
    """A stream over a file and the digest of its bytes.

    A small file is read once and kept in memory; a large one is read for its digest first.
    """
    if file.size <= _KEPT_BYTES:
        with files.open_stream(file.uri) as stored:
            content = bytes(stored.read(_KEPT_BYTES + 1))
        stream = HashedStream(io.BytesIO(content), lambda: io.BytesIO(content))
        return stream, hashlib.sha256(content).hexdigest()
    digest = digest_of(file.uri)
    return open_once(file), digest


def open_once(file: LandedFile) -> HashedStream:
    """A stream over a file of which perhaps only the start is read."""
    return HashedStream(files.open_stream(file.uri), lambda: files.open_input(file.uri))


def digest_of(uri: str) -> str:
    """The SHA-256 of a file, in bounded memory."""
    with files.open_stream(uri) as stream:
        return HashedStream(stream, lambda: files.open_input(uri)).drain()


def changed(path: str, when: str) -> DataError:
    """The error for a raw file whose bytes are not what they were."""
    return DataError(
        "LS-2011",
        f"{path}: the landed file changed {when}.",
        "a file is landed once; what was read from it is history and is not rewritten.",
        "put the former file back, and deliver corrections as a file of another name.",
    )


@contextmanager
def failure_told(file: LandedFile) -> Iterator[None]:
    """Tell bytes of a file that cannot be read within.

    Raises:
        DataError: Its compressed data are damaged or cut off.
        EnvironmentFault: It is out of reach.
    """
    try:
        yield
    except (*_DAMAGE, OSError) as error:
        raise _failure(file, error) from error


def _failure(file: LandedFile, error: Exception) -> LeptonError:
    # Decompressors raise an OSError too, which no system call gave.
    if not isinstance(error, OSError) or error.errno is None:
        return DataError(
            "LS-2016",
            f"{file.path}: the compressed data are damaged or cut off.",
            "a file is landed as a whole or not at all.",
            "deliver the file again.",
        )
    return EnvironmentFault(
        "LS-5020",
        f"{file.path} cannot be read ({type(error).__name__}).",
        "each landed file is read once, as a whole.",
        "check the storage and the rights on the file, then run again.",
    )


def refuse_foreign(stream: io.BufferedReader, file: LandedFile) -> None:
    """See that a file begins like text in one of the encodings that are read.

    Raises:
        DataError: It is UTF-16 or UTF-32 text, or not text at all.
    """
    start = stream.peek(_SNIFFED_BYTES)[:_SNIFFED_BYTES]
    wide = next((name for mark, name in _WIDE.items() if start.startswith(mark)), None)
    if wide or _looks_wide(start):
        raise DataError(
            "LS-2018",
            f"{file.path}: this is {wide or 'UTF-16'} text.",
            "text is read as UTF-8, or in the one-byte encoding that the case names.",
            f"convert it: iconv -f {wide or 'UTF-16'} -t UTF-8.",
        )
    kind = next((name for mark, name in _FOREIGN.items() if start.startswith(mark)), None)
    if kind:
        raise DataError(
            "LS-2019",
            f"{file.path}: this is {kind}, not text.",
            "the source is declared as text; compression is told by the ending, such as .gz.",
            "name the format in the case, such as parquet: {}, or give the file its true ending.",
        )


def _looks_wide(start: bytes) -> bool:
    """Whether every second byte is null nearly always, as in UTF-16 of western text."""
    pairs = len(start) // 2
    most = 0.8 * pairs
    return pairs > 1 and (start[::2].count(0) > most or start[1::2].count(0) > most)
