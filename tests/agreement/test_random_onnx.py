"""Random networks over all kinds give in onnxruntime what they give here.

CI draws 10. The long run, by hand:

    CNNKIT_EXAMPLES=1000 pytest tests/agreement/test_random_onnx.py --hypothesis-seed=SEED
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

from tests.agreement.converted import case_of
from tests.agreement.networks import networks

pytest.importorskip("onnx", reason="the extra `export` is not installed")
pytest.importorskip("onnxruntime", reason="the extra `export` is not installed")

import cnnkit
from cnnkit.export.onnx import OLDEST, OPSET
from tests.agreement.test_values_onnx import distance, run

EXAMPLES = int(os.environ.get("CNNKIT_EXAMPLES", "10"))


@given(networks())
@settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
def test_random_networks(network: dict[str, Any]) -> None:
    expected = case_of(cnnkit.load(network), backwards=False)
    assume(np.isfinite(expected.output).all())
    # A norm of values that are nearly alike enlarges what is rounded.
    assert distance(expected, run(expected, OPSET, optimize=False)) < 1e-4
    assert distance(expected, run(expected, OLDEST, optimize=True)) < 1e-4
