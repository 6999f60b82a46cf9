"""Where the ranks of a ring are, as the environment variables that Horovod or TensorFlow reads."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from typing import Any

LOOPBACK = "lo"
LOCALHOST = "127.0.0.1"
BOARD = "LEPTON_BOARD"
GIVEN_GPU = "LEPTON_GPU"
# A transfer between two ranks; a stall that train.stall_seconds lets last longer is ended by it.
GLOO_TIMEOUT_SECONDS = 600


def ring_environment(hosts: Sequence[str], rank: int) -> dict[str, str]:
    """Rank, local rank and cross rank of one process.

    Args:
        hosts: Host of each rank, in the order of ranks.
        rank: Of the process.
    """
    host = hosts[rank]
    local = [other for other in range(len(hosts)) if hosts[other] == host]
    local_rank = local.index(rank)
    order = list(dict.fromkeys(hosts))
    across = [name for name in order if hosts.count(name) > local_rank]
    return {
        "HOROVOD_HOSTNAME": host,
        "HOROVOD_RANK": str(rank),
        "HOROVOD_SIZE": str(len(hosts)),
        "HOROVOD_LOCAL_RANK": str(local_rank),
        "HOROVOD_LOCAL_SIZE": str(len(local)),
        "HOROVOD_CROSS_RANK": str(across.index(host)),
        "HOROVOD_CROSS_SIZE": str(len(across)),
    }


def gloo_environment(address: tuple[str, int], key: str, interface: str) -> dict[str, str]:
    """How the ranks find each other: a key-value server, and one network interface.

    Args:
        address: Host and port of the server.
        key: What paths on it begin with. Gloo asks for `http://ADDR:PORT/scope/name`, so that
            ADDR may hold it.
        interface: On which the ranks listen and talk.
    """
    return {
        "HOROVOD_CONTROLLER": "gloo",
        "HOROVOD_CPU_OPERATIONS": "gloo",
        "HOROVOD_GLOO_RENDEZVOUS_ADDR": f"{address[0]}:{address[1]}/{key}",
        "HOROVOD_GLOO_RENDEZVOUS_PORT": str(address[1]),
        "HOROVOD_GLOO_IFACE": interface,
        "HOROVOD_GLOO_TIMEOUT_SECONDS": str(GLOO_TIMEOUT_SECONDS),
        # Looked for work so often, a sum waits little; the threads that look give way to others.
        "HOROVOD_CYCLE_TIME": "0.2",
        "HOROVOD_STALL_CHECK_DISABLE": "1",  # its warnings; the supervisors end a stall
    }


def collective_environment(
    addresses: Sequence[str], rank: int, board: Mapping[str, Any]
) -> dict[str, str]:
    """Variables that a `CollectiveWorker` reads.

    Args:
        addresses: `host:port` of each rank, in their order.
        rank: Of the process.
        board: Where ranks meet, JSON-ready.
    """
    task = {"type": "worker", "index": rank}
    config = {"cluster": {"worker": list(addresses)}, "task": task}
    return {"TF_CONFIG": json.dumps(config), BOARD: json.dumps(dict(board))}


def device_environment(addresses: Sequence[str]) -> dict[str, str]:
    """Variables by which a process sees the first GPU that its task was given, and no other.

    Args:
        addresses: What Spark's resource scheduling gave the task; without any nothing is said.
    """
    if not addresses:
        return {}
    return {"CUDA_VISIBLE_DEVICES": addresses[0], GIVEN_GPU: addresses[0]}


def interface_to(address: tuple[str, int], addresses: Mapping[str, Sequence[str]]) -> str | None:
    """The network interface from which an address is reached.

    Args:
        address: Host and port, of which only the route matters: nothing is sent.
        addresses: IP addresses of each interface of this machine.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(address)
        own = probe.getsockname()[0]
    return next((name for name, found in addresses.items() if own in found), None)
