from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser

from lepton_spark.report.page import Story, page_of

EVIL = '<script>alert(1)</script>"&'
MODEL = {
    "model": EVIL, "verdict": "pass", "validate_auc": {"value": 0.71, "low": 0.69, "high": 0.73},
    "auc": {"value": 0.7, "low": 0.68, "high": 0.72},
    "pr_auc": {"value": 0.4, "low": None, "high": None},
    "log_loss": {"value": 0.5, "low": 0.4, "high": 0.6},
    "brier": {"value": 0.2, "low": 0.1, "high": 0.3},
}  # fmt: skip
EPOCHS = [
    {
        "epoch": epoch, "loss": 0.6 / epoch, "validation_loss": 0.65 / epoch, "rows": 1500.0,
        "validation_auc": 0.7, "seconds": 2.0, "read_seconds": 0.5, "hand_over_seconds": 0.1,
        "step_seconds": 1.0, "allreduce_seconds": 0.2, "validate_seconds": 0.3,
        "keep_seconds": 0.1, "peak_mib": 700.5, "rows_by_rank": [750, 750],
    }
    for epoch in (1, 2, 3)
]  # fmt: skip


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found, self.plots = [], []
        self._open = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag):
        while self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if self._open[-2:] == ["svg", "title"]:
            self.plots.append(data)


def labels(plot):
    """What the legend of a plot says, which Matplotlib draws and notes as comments."""
    legend = plot[plot.index('id="legend_1"') :]
    return re.findall("<!-- (.*?) -->", legend)


def story(**changed):
    given = {
        "case": "shop", "as_of": date(2024, 1, 31), "metric": "auc", "models": [MODEL],
        "history": EPOCHS, "bottleneck": "50% of the time: <b>steps</b>",
    }  # fmt: skip
    return Story(**{**given, **changed})


def test_no_value_becomes_a_tag_and_nothing_is_asked_of_elsewhere():
    page = page_of(story(case=EVIL))

    tags = Tags(page).found
    assert "script" not in {tag for tag, _ in tags}
    assert "&lt;script&gt;" in page
    assert "<b>steps" not in page
    policy = next(given["content"] for tag, given in tags if "http-equiv" in given)
    assert policy.startswith("default-src 'none'")
    fetched = [
        value
        for _, given in tags
        for name, value in given.items()
        if name in {"src", "href", "xlink:href"} and not value.startswith("#")
    ]
    assert fetched == []


def test_a_page_has_a_line_an_epoch_and_a_plot_of_all_that_was_measured():
    page = page_of(story())

    tags = Tags(page)
    assert tags.plots == [
        "loss",
        "validation rows",
        "seconds of the slowest worker",
        "rows per second",
        "rows of a rank",
        "peak memory, MiB",
    ]
    assert "<th>rows per second</th>" in page
    assert page.count("<td>750</td>") == len(EPOCHS)
    assert sum(tag == "tr" for tag, _ in tags.found) == (1 + 1) + (1 + len(EPOCHS))


def test_the_time_and_the_speed_of_each_phase_are_plotted():
    page = page_of(story())
    _, _, spent, speeds, *_ = page.split("<svg ")[1:]

    phases = ["read", "hand over", "step"]
    assert labels(spent) == [*phases, "allreduce, of the step", "validate", "keep"]
    assert labels(speeds) == ["whole epoch", *phases, "allreduce"]


def test_where_one_worker_trains_there_is_no_allreduce():
    alone = [{**entry, "rows_by_rank": [1500]} for entry in EPOCHS]
    for entry in alone:
        del entry["allreduce_seconds"]

    assert "allreduce" not in page_of(story(history=alone))


def test_what_was_not_measured_is_not_plotted():
    known = ("epoch", "loss", "validation_loss", "rows")
    few = [{name: entry[name] for name in known} for entry in EPOCHS]

    assert Tags(page_of(story(history=few))).plots == ["loss"]


def test_without_a_history_there_are_only_the_models():
    tags = Tags(page_of(story(history=[], bottleneck="")))

    assert tags.plots == []
    assert sum(tag == "tr" for tag, _ in tags.found) == 2


def test_the_same_story_gives_the_same_page():
    assert page_of(story()) == page_of(story())
