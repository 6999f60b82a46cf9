from __future__ import annotations

import io
import json
import logging

from lepton_spark.job.progress import JsonLines, LogProgress, is_terminal


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
