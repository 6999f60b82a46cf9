"""A machine with GPUs, in place of `tf.config`."""

from __future__ import annotations


class Machine:
    """What TensorFlow says of the GPUs of a machine, and what it was told.

    Args:
        gpus: Names of the devices.
        capability: Compute capability of each, by its name; others say nothing of it.
    """

    def __init__(self, *gpus, capability=None):
        self.gpus, self.visible, self.growing = list(gpus), list(gpus), []
        self.experimental = self
        self._capability = capability or {}

    def list_physical_devices(self, _kind):
        return self.gpus

    def get_visible_devices(self, _kind):
        return self.visible

    def set_visible_devices(self, devices, _kind):
        self.visible = devices

    def set_memory_growth(self, device, is_growing):
        assert is_growing
        self.growing.append(device)

    def get_device_details(self, device):
        found = {"device_name": device}
        if device in self._capability:
            found["compute_capability"] = self._capability[device]
        return found
