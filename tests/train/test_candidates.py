from __future__ import annotations

import pytest

from lepton_spark.config.case import Case
from lepton_spark.lake.marker import Marker
from lepton_spark.train import candidates
from lepton_spark.train.launch import num_ranks, num_workers
from tests.conftest import TINY_CASE

DATASET = Marker(1, "r-1", "dataset", "2024-02-29", "f" * 64, 0, 100, "0.1.0")


@pytest.fixture
def found_for(context_for):
    """The folder of a case that is trained as given."""

    def find(**train):
        case = Case.model_validate({**TINY_CASE, "train": train})
        return candidates.folder(context_for(case, spark=None), DATASET)

    return find


@pytest.mark.parametrize(
    "changed",
    [
        {"launcher": "distribute"},
        {"launcher": "stock"},
        {"checkpoint_minutes": 1},
        {"stall_seconds": 999},
    ],
)
def test_what_decides_no_weight_may_change_while_a_training_is_unfinished(found_for, changed):
    assert found_for(**changed) == found_for()


@pytest.mark.parametrize("changed", [{"learning_rate": 0.01}, {"workers": 3}, {"baselines": []}])
def test_what_models_follow_from_leads_to_others(found_for, changed):
    assert found_for(**changed).path != found_for().path


def test_one_process_gives_the_weights_of_one_worker_and_no_other(found_for):
    alone = found_for(launcher="local", workers=8)

    assert alone == found_for(workers=1)
    assert alone != found_for(workers=8)


def test_images_of_another_size_lead_to_other_models(context_for):
    def folder_of(height):
        photo = {"photo": {"height": height, "width": 8, "channels": 1}}
        own = {
            **TINY_CASE,
            "features": {"own": ["shop"], "images": photo},
            "model": {"kind": "cnn"},
        }
        return candidates.folder(context_for(Case.model_validate(own), spark=None), DATASET)

    assert folder_of(8) == folder_of(8)
    assert folder_of(8) != folder_of(16)


def test_the_local_launcher_has_one_worker(context_for):
    train = {"launcher": "local", "workers": 8}
    context = context_for(Case.model_validate({**TINY_CASE, "train": train}), spark=None)

    assert num_workers(context) == num_ranks(context, 1000) == 1
