"""What a run computes in, where the recipe leaves that to the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnkit.network.kernels import onednn
from cnnkit.network.kernels.processor import multiplies_bfloat16
from cnnkit.spec.model.training import Train
from cnnkit.training.view.display import Display

if TYPE_CHECKING:
    import jax

_FIRST_CAPABILITY = 8.0
"""Of NVIDIA's GPUs those from Ampere on have units for bfloat16."""


def chosen_precision(
    recipe: Train, device: jax.Device, display: Display, *, together: int = 1
) -> Train:
    """The recipe with bfloat16 where the device multiplies it faster, else with float32.

    Args:
        recipe: The recipe.
        device: One of those that train.
        display: Is told which, and why.
        together: How many train together: oneDNN's operations cannot be divided among them.
    """
    if recipe.precision != "auto":
        return recipe
    faster, why = _multiplies_faster(device)
    if faster and device.platform == "cpu" and together > 1:
        faster = False
        why = (
            f"only oneDNN multiplies bfloat16 faster on this processor, and its operations "
            f"cannot be divided among {together} devices"
        )
    precision = "bfloat16" if faster else "float32"
    display.note(f"precision {precision}: {why}")
    return recipe.model_copy(update={"precision": precision})


def _multiplies_faster(device: jax.Device) -> tuple[bool, str]:
    """Whether a device multiplies bfloat16 faster than float32, and why or why not."""
    if device.platform != "cpu":
        capability = getattr(device, "compute_capability", None)
        if device.platform == "gpu" and _is_before(capability):
            return False, f"{device.device_kind} has no units for bfloat16"
        return True, f"{device.device_kind} multiplies bfloat16 faster"
    if not multiplies_bfloat16():
        return False, "this processor has no instructions for bfloat16 (AVX512-BF16 or AMX)"
    state = onednn.load()
    if not state.active:
        return (
            False,
            f"only oneDNN multiplies bfloat16 faster on this processor, and {state.reason}",
        )
    return True, "this processor multiplies it faster, by oneDNN"


def _is_before(capability: object) -> bool:
    """Whether a compute capability, `7.5`, is one without bfloat16."""
    try:
        return float(str(capability)) < _FIRST_CAPABILITY
    except ValueError:  # another maker's
        return False
