from __future__ import annotations

from lepton_spark.train.place import (
    device_environment,
    gloo_environment,
    interface_to,
    ring_environment,
)


def ring(*hosts):
    names = ("RANK", "SIZE", "LOCAL_RANK", "LOCAL_SIZE", "CROSS_RANK", "CROSS_SIZE")
    places = [ring_environment(hosts, rank) for rank in range(len(hosts))]
    return [tuple(int(place[f"HOROVOD_{name}"]) for name in names) for place in places]


def test_ranks_of_one_host_are_neighbours():
    assert ring("a", "a") == [(0, 2, 0, 2, 0, 1), (1, 2, 1, 2, 0, 1)]


def test_ranks_may_be_spread_in_any_order():
    assert ring("a", "b", "a") == [
        (0, 3, 0, 2, 0, 2),
        (1, 3, 0, 1, 1, 2),
        (2, 3, 1, 2, 0, 1),
    ]


def test_the_interface_is_the_one_that_leads_to_the_address():
    addresses = {"eth0": ["10.9.8.7"], "lo": ["127.0.0.1"]}

    assert interface_to(("127.0.0.1", 80), addresses) == "lo"
    assert interface_to(("127.0.0.1", 80), {}) is None


def test_gloo_takes_the_key_for_a_part_of_the_address():
    found = gloo_environment(("10.9.8.7", 4444), "5ec7e7", "eth0")

    # Gloo asks for http://ADDR:PORT/scope/name.
    assert found["HOROVOD_GLOO_RENDEZVOUS_ADDR"] == "10.9.8.7:4444/5ec7e7"
    assert found["HOROVOD_GLOO_IFACE"] == "eth0"


def test_of_the_gpus_that_spark_gave_a_task_a_process_sees_the_first():
    assert device_environment(["3", "5"]) == {"CUDA_VISIBLE_DEVICES": "3", "LEPTON_GPU": "3"}
    assert device_environment([]) == {}
