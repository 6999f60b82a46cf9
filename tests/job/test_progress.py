from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys

from lepton_spark.job.progress import JsonLines, LogProgress, TerminalProgress, is_terminal


def line_of(message: str, **facts: object) -> dict[str, object]:
    record = logging.LogRecord("lepton_spark.x", logging.INFO, "f", 1, message, None, None)
    record.__dict__.update(facts)
    text = JsonLines().format(record)
    assert "\n" not in text
    return json.loads(text)


def test_a_log_line_is_one_json_object_with_its_stage():
    line = line_of("started", stage="train", run_id="r-1")

    assert (line["level"], line["message"], line["stage"]) == ("info", "started", "train")
    assert str(line["at"]).endswith("+00:00")


def test_line_feeds_and_escapes_cannot_forge_a_line():
    assert line_of("a\n{}\x1b[31m")["message"] == "a\n{}\x1b[31m"


def test_no_traceback_is_written():
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed", None, None)
    record.exc_info = (ValueError, ValueError("cell"), None)

    assert "cell" not in JsonLines().format(record)


def test_steps_are_logged_now_and_then_and_at_the_end(caplog):
    progress = LogProgress("r-1")
    with caplog.at_level(logging.INFO, logger="lepton_spark"):
        progress.start("train")
        for epoch in range(1, 11):
            progress.step("train", f"epoch {epoch}", done=epoch, total=10)
        progress.finish("train", "done")

    said = [record.getMessage() for record in caplog.records]
    assert said[0] == "started train"
    assert "epoch 10" in said
    assert len(said) < 6
    assert progress.stage == "train"


def test_a_file_is_no_terminal():
    assert not is_terminal(io.StringIO())


def test_a_finished_stage_stays_on_the_terminal_as_one_line(capsys):
    progress = TerminalProgress("r-1")
    progress.start("train")
    progress.step("train", "epoch [1]", done=1, total=3)
    progress.finish("train", "3 epochs of [table_mlp]")
    progress.close()

    said = capsys.readouterr().err
    assert said.count("3 epochs of [table_mlp]") == 1
    assert progress.stage == "train"


def test_bars_move_on_a_terminal():
    """In a pseudo-terminal, as a person sees it."""
    leader, follower = os.openpty()
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    watched = subprocess.Popen([sys.executable, "-c", WATCHED], stderr=follower, env=environ)
    os.close(follower)
    seen = b""
    while chunk := read_some(leader):
        seen += chunk
    os.close(leader)

    assert watched.wait(10) == 0
    assert b"epoch 2" in seen
    assert b"2/4" in seen
    assert b"all of it" in seen


def read_some(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # Linux says so when the other side is closed
        return b""


WATCHED = """
import time
from lepton_spark.job.progress import TerminalProgress, make_progress
progress = make_progress("r-1")
assert isinstance(progress, TerminalProgress)
progress.start("train")
for epoch in (1, 2):
    progress.step("train", f"epoch {epoch}", done=epoch, total=4)
    time.sleep(0.3)
progress.finish("train", "all of it")
progress.close()
"""
