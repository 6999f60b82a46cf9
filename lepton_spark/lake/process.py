"""Whether another process of this host still runs."""

from __future__ import annotations

import os
from pathlib import Path


def is_alive(pid: int) -> bool:
    """True while a process runs, or is stopped; one that has ended but was not reaped is dead."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        # No such file system, or it ended just now: then the lock's own wait comes around again.
        return True
    return state.rpartition(")")[2].split()[:1] != ["Z"]
