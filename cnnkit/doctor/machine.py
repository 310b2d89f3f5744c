"""What JAX finds on this machine, whether oneDNN is used, and how fast matrices are multiplied."""

from __future__ import annotations

import platform
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from cnnkit.doctor.fact import Fact
from cnnkit.network.kernels import onednn

if TYPE_CHECKING:
    from jax.typing import DTypeLike

_NVIDIA = (Path("/proc/driver/nvidia"), Path("/dev/nvidiactl"))
_TPU = (Path("/dev/accel0"), Path("/dev/vfio"))


def devices() -> Iterator[Fact]:
    """The devices that JAX uses, and those of this machine that it does not."""
    import jax

    try:
        found = jax.devices()
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        yield Fact("devices", "JAX", f"finds no device: {reason}", "missing", "pip install -U jax")
        return
    for device in found:
        yield Fact("devices", f"{device.platform} {device.id}", device.device_kind)
    platforms = {device.platform for device in found}
    if platforms == {"cpu"}:
        yield from _unused()
    yield Fact("devices", "processor", f"{processor()}, {_features()}")


def _unused() -> Iterator[Fact]:
    if shutil.which("nvidia-smi") or any(path.exists() for path in _NVIDIA):
        yield Fact(
            "devices", "NVIDIA GPU", "there, but JAX does not use it", "missing",
            "pip install 'jax[cuda13]' (or 'jax[cuda12]' for a driver before 580)",
        )  # fmt: skip
    elif any(path.exists() for path in _TPU):
        yield Fact(
            "devices", "TPU", "there, but JAX does not use it", "missing", "pip install 'jax[tpu]'"
        )
    else:
        yield Fact(
            "devices", "accelerator", "none found", "info",
            "for an NVIDIA GPU: pip install 'jax[cuda13]'; for a TPU: pip install 'jax[tpu]'",
        )  # fmt: skip


def processor() -> str:
    """What the processor is called."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _features() -> str:
    """What of the processor's instructions matters to a convolution."""
    wanted = ("avx2", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16")
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return "instructions unknown"
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "").split()
    return ", ".join(flag for flag in wanted if flag in flags) or "no vector instructions known"


def extension() -> Iterator[Fact]:
    """Whether the convolutions of a CPU are oneDNN's, and why not."""
    state = onednn.load()
    if state.active:
        yield Fact("onednn", "extension", f"in use: {state.reason}")
    else:
        reason, _, advice = state.reason.partition(": ")
        yield Fact(
            "onednn",
            "extension",
            f"not in use: {reason}",
            "missing" if state.wanted else "info",
            advice or None,
        )


def speed() -> Iterator[Fact]:
    """The measured rate of a product of matrices on the first device, in FLOPs a second."""
    import jax
    import jax.numpy as jnp

    size = 2048 if jax.default_backend() == "cpu" else 8192
    for dtype in (jnp.float32, jnp.bfloat16):
        rate = gemm_rate(size, jnp.dtype(dtype))
        yield Fact(
            "speed", f"{jnp.dtype(dtype).name} product", f"{rate / 1e9:,.0f} GFLOP/s, {size}x{size}"
        )


def gemm_rate(size: int, dtype: DTypeLike, repeats: int = 5) -> float:
    """FLOPs a second of a product of two square matrices, the median of some products."""
    import jax
    import jax.numpy as jnp

    product = jax.jit(jnp.matmul)
    matrix = jnp.ones((size, size), dtype)
    product(matrix, matrix).block_until_ready()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        product(matrix, matrix).block_until_ready()
        taken.append(time.perf_counter() - start)
    return 2 * size**3 / median(taken)
