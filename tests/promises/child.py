"""One job in a process of its own, on the JVM that the environment names; a trial may kill it.

python child.py FOLDER STAGE AS_OF
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from tests.faults.child import connected
from tests.promises.lab import Lake

if __name__ == "__main__":
    folder, name, as_of = sys.argv[1:]
    lake = Lake(connected(), Path(folder))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    lake.run(name, as_of=date.fromisoformat(as_of))
