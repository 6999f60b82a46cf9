"""A key-value store over HTTP, in a thread of the driver.

`PUT`, `GET` and `DELETE` of `/SECRET/scope/key` are what Horovod's Gloo finds other ranks by, so
that one server serves both rings; it needs no Horovod, which a cluster may lack. Gloo knows of no
secret: it takes one for a part of the server's address, see `place.gloo_environment`, and puts the
port behind it. Who does not know it sees nothing, and changes nothing.
"""

from __future__ import annotations

import secrets
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_REQUEST_SECONDS = 10
_MOST_BYTES = 1 << 20


class Store(ThreadingHTTPServer):
    """The server; use it with `with`.

    Args:
        host: The one address that it listens on; the port is chosen freely.

    Attributes:
        key: The secret of this store, with which each path begins.
    """

    daemon_threads = True
    request_queue_size = 128  # hundreds of ranks may come at once

    def __init__(self, host: str) -> None:
        super().__init__((host, 0), _Handler)
        self.key = secrets.token_hex(16)
        self._values: dict[tuple[str, str], bytes] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Store:
        threading.Thread(target=self.serve_forever, args=(0.05,), name="store", daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.shutdown()
        self.server_close()

    def get(self, scope: str, key: str) -> bytes | None:
        """A value, or None."""
        with self._lock:
            return self._values.get((scope, key))

    def put(self, scope: str, key: str, value: bytes) -> None:
        """Keep a value."""
        with self._lock:
            self._values[scope, key] = value

    def delete(self, scope: str, key: str) -> None:
        """Forget a value, if it is there."""
        with self._lock:
            self._values.pop((scope, key), None)

    def all_of(self, scope: str) -> dict[str, bytes]:
        """The values of a scope by key."""
        with self._lock:
            return {key: value for (other, key), value in self._values.items() if other == scope}


class _Handler(BaseHTTPRequestHandler):
    server: Store
    timeout = _REQUEST_SECONDS

    def do_GET(self) -> None:
        """Answer with a value, or 404 where there is none."""
        place = self._place()
        value = self.server.get(*place) if place else None
        self._answer(HTTPStatus.NOT_FOUND if value is None else HTTPStatus.OK, value or b"")

    def do_PUT(self) -> None:
        """Keep a value, or answer 400 to a place or length that cannot be."""
        place, length = self._place(), self.headers.get("Content-Length", "")
        if place is None or not length.isdecimal() or int(length) > _MOST_BYTES:
            self._answer(HTTPStatus.BAD_REQUEST)
            return
        self.server.put(*place, self.rfile.read(int(length)))
        self._answer(HTTPStatus.OK)

    def do_DELETE(self) -> None:
        """Forget a value, whether it is there or not."""
        place = self._place()
        if place:
            self.server.delete(*place)
        self._answer(HTTPStatus.OK if place else HTTPStatus.BAD_REQUEST)

    def log_message(self, format: str, *_args: object) -> None:  # the parent's name
        """Nothing: keys are secrets."""

    def _place(self) -> tuple[str, str] | None:
        _, *parts = self.path.split("/")
        if len(parts) != 3:  # noqa: PLR2004  # /SECRET/scope/key
            return None
        secret = parts[0].partition(":")[0].encode()
        is_ours = secrets.compare_digest(secret, self.server.key.encode())
        return (parts[1], parts[2]) if is_ours else None

    def _answer(self, status: HTTPStatus, content: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
