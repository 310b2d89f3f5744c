"""The functions that are known by their trace, each as the code that it is traced from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

_MOST_NEIGHBOURS = 11
"""The most channels of a local response norm that is known."""


@dataclass(frozen=True)
class Known:
    """A function of one tensor.

    Attributes:
        name: The kind of ours that it is, or an operator of the reader.
        function: It, of a tensor and as many numbers as there are arguments.
        arguments: The fields that the numbers are.
        fields: Other fields that say which function it is.
        arrays: Whether its numbers may be arrays of the module.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[str, ...] = ()
    fields: tuple[tuple[str, Any], ...] = ()
    arrays: bool = False


@cache
def functions() -> tuple[Known, ...]:
    """The functions that are known."""
    import jax
    import jax.numpy as jnp
    from jax import nn

    return (
        Known("relu", nn.relu),
        Known("relu6", nn.relu6),
        Known("leaky_relu", nn.leaky_relu, ("slope",)),
        Known("leaky_relu", nn.leaky_relu, (), (("slope", 0.01),)),
        Known("elu", nn.elu, ("alpha",)),
        Known("elu", nn.elu),
        Known("celu", nn.celu, ("alpha",)),
        Known("celu", nn.celu),
        Known("selu", nn.selu),
        Known("gelu", lambda x: nn.gelu(x, approximate=False)),
        Known("gelu", nn.gelu, (), (("approximate", True),)),
        Known("silu", nn.silu),
        Known("mish", nn.mish),
        Known("hard_sigmoid", nn.hard_sigmoid),
        Known("hard_silu", nn.hard_silu),
        Known("softplus", nn.softplus),
        Known("softsign", nn.soft_sign),
        Known("log_sigmoid", nn.log_sigmoid),
        Known("softmax", nn.softmax),
        Known("log_softmax", nn.log_softmax),
        Known("hard_tanh", lambda x, low, high: jnp.clip(x, low, high), ("minimum", "maximum")),
        Known("hard_tanh", nn.hard_tanh, (), (("minimum", -1.0), ("maximum", 1.0))),
        Known("prelu", lambda x, slope: jnp.where(x >= 0, x, slope * x), ("slope",), arrays=True),
        Known("quick_gelu", lambda x: x * jax.nn.sigmoid(1.702 * x)),
        Known(
            "global_response_norm",
            _global_response_norm,
            ("epsilon", "scale", "shift"),
            arrays=True,
        ),
        *(
            Known(
                "local_response_norm",
                partial(_local_response_norm, size),
                ("factor", "k", "beta"),
                (("size", float(size)),),  # an int would be the number of a tensor
                arrays=True,
            )
            for size in range(1, _MOST_NEIGHBOURS + 1)
        ),
    )


def _global_response_norm(x: Any, epsilon: Any, scale: Any, shift: Any) -> Any:
    """Each channel by its norm beside the mean norm of all, as `cnnkit convert` writes it."""
    import jax.numpy as jnp

    squares = (x * x).sum(axis=tuple(range(1, x.ndim - 1)), keepdims=True)
    norms = jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0)
    return scale * (x * (norms / (norms.mean(axis=-1, keepdims=True) + epsilon))) + shift + x


def _local_response_norm(size: int, x: Any, factor: Any, k: Any, beta: Any) -> Any:
    """Each value by the squares of its neighbours, as `cnnkit convert` writes it."""
    import jax.numpy as jnp

    squares = jnp.pad(x * x, [(0, 0)] * (x.ndim - 1) + [(size // 2, (size - 1) // 2)])
    total = sum(squares[..., at : at + x.shape[-1]] for at in range(size))
    return x / (k + factor * total) ** beta
