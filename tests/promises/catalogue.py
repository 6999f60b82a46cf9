"""All promises, in their order."""

from __future__ import annotations

from tests.promises import (
    p02_kills,
    p11_accounting,
    p13_audits,
    p17_future,
    p18_skew,
    p19_drift,
    p20_layouts,
    p26_injections,
    p29_clock,
    p31_shapes,
)

PROMISES = tuple(
    module.PROMISE
    for module in (
        p02_kills,
        p11_accounting,
        p13_audits,
        p17_future,
        p18_skew,
        p19_drift,
        p20_layouts,
        p26_injections,
        p29_clock,
        p31_shapes,
    )
)
