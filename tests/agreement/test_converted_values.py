"""Converted code of every kind equals the network, over random fields, extents and paddings.

CI draws three networks of six layers a kind, the first of which is the simplest there is. The
long run, by hand:

    CNNKIT_EXAMPLES=50 pytest tests/agreement/test_converted_values.py --hypothesis-seed=SEED
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

import cnnkit
from cnnkit.export import TARGETS, convert
from cnnkit.export.target import kinds_of
from cnnkit.layers import FAMILIES, KINDS
from tests.agreement.converted import case_of, close
from tests.agreement.networks import COMPOSITES, networks, rows
from tests.agreement.running import OUTPUTS

for framework in ("torch", "keras"):
    pytest.importorskip(framework, reason=f"{framework} is not installed")

EXAMPLES = int(os.environ.get("CNNKIT_EXAMPLES", "3"))
BRIEF = settings(
    deadline=None,
    max_examples=EXAMPLES,
    phases=[Phase.generate],  # to make a failure small takes a compilation a step
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.filterwarnings("ignore:.*You are using a softmax over axis")
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_values(kind: str) -> None:
    @given(networks(kind) if kind in COMPOSITES else rows(kind))
    @BRIEF
    def check(network: dict[str, Any]) -> None:
        spec = cnnkit.load(network)
        case = case_of(spec, backwards=False)
        # A norm divides by the deviation of what may be almost alike.
        ill_conditioned = kinds_of(case.graph) & set(FAMILIES["normalization"])
        for target in TARGETS:
            if convert(spec, target).code is not None:  # else a finding says why
                tolerance = 1e-2 if ill_conditioned else 1e-5
                found, where = OUTPUTS[target](case), f"{target}: {network}"
                close(found, case.output, where, tolerance, least=1e-3)

    check()
