"""Random networks over all kinds convert to code that PyTorch runs, with the analysis's figures.

CI draws 40. The long run, by hand:

    CNNKIT_EXAMPLES=5000 pytest tests/agreement/test_converted_random.py --hypothesis-seed=SEED
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

import cnnkit
from cnnkit.export import TARGETS, convert
from tests.agreement.converted import module_of
from tests.agreement.networks import networks

EXAMPLES = int(os.environ.get("CNNKIT_EXAMPLES", "40"))
UNHURRIED = settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("first", [None, "repeat"])
def test_random_networks_convert(first: str | None) -> None:
    @given(networks(first))
    @UNHURRIED
    def check(network: dict[str, Any]) -> None:
        spec = cnnkit.load(network)
        for target in TARGETS:
            conversion = convert(spec, target)
            if conversion.code is None:  # what a target cannot say is told
                assert target in ("keras", "torch")
                assert {finding.rule for finding in conversion.findings} == {"not-convertible"}
            else:
                compile(conversion.code, target, "exec")

    check()


@given(networks())
@UNHURRIED
def test_random_networks_run_in_pytorch(network: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    spec = cnnkit.load(network)
    analysis = cnnkit.analyze(spec)
    assume(convert(spec, "torch").code is not None)
    with torch.device("meta"), torch.no_grad():
        model = module_of(spec, "torch").MODEL().eval()
        graph = analysis.graph
        given = model(*[torch.zeros(1, c, *extents) for *extents, c in graph.inputs.values()])
    learnt = sum(each.numel() for each in model.parameters() if each.requires_grad)
    assert learnt == analysis.totals.parameters
    named = given if isinstance(given, dict) else dict.fromkeys(graph.outputs, given)
    assert named.keys() == graph.outputs.keys()
    for name, shape in graph.given.items():
        *extents, channels = shape or ()
        assert tuple(named[name].shape) == (1, channels, *extents)
