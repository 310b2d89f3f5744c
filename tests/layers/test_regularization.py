from typing import Any

import pytest

from cnnkit.layers import FAMILIES, layer_class
from cnnkit.layers.base import Effect

FIELDS: dict[str, dict[str, Any]] = {
    kind: {} if kind == "gaussian_noise" else {"rate": 0.5} for kind in FAMILIES["regularization"]
}


def build(kind: str, **fields: Any) -> Any:
    return layer_class(kind).model_validate(fields)


@pytest.mark.parametrize("kind", FIELDS)
@pytest.mark.parametrize("shape", [(7,), (8, 8, 3), (10**18, 10**18, 3)])
def test_nothing_happens_at_inference(kind: str, shape: tuple[int, ...]) -> None:
    assert build(kind, **FIELDS[kind]).effect(shape) == Effect(shape)


@pytest.mark.parametrize("kind", [kind for kind in FIELDS if FIELDS[kind]])
def test_a_rate_is_needed_and_below_1(kind: str) -> None:
    assert build(kind, rate=0).effect((3,)).output == (3,)
    refused = {1: "less than 1", -0.1: "greater than or equal to 0", float("nan"): "finite number"}
    for rate, message in refused.items():
        with pytest.raises(ValueError, match=message):
            build(kind, rate=rate)
    with pytest.raises(ValueError, match="required"):
        build(kind)


def test_noise_has_a_deviation() -> None:
    assert build("gaussian_noise").deviation == 0.1
    for deviation in (-1, float("inf")):
        with pytest.raises(ValueError, match="deviation"):
            build("gaussian_noise", deviation=deviation)
