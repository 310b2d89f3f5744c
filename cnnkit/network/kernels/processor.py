"""What the processor of this machine computes with."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_DESCRIPTION = Path("/proc/cpuinfo")
_MOST = 1 << 14
"""Characters that the description of the first core has at most; Linux writes one after another."""


@cache
def instructions() -> frozenset[str]:
    """The instructions beyond the first ones of x86-64, as Linux names them; else none."""
    try:
        with _DESCRIPTION.open(encoding="utf-8") as text:
            lines = text.read(_MOST).splitlines()
    except OSError:
        return frozenset()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(flags.partition(":")[2].split())


def multiplies_bfloat16() -> bool:
    """Whether it has instructions for products of bfloat16, faster than those of float32."""
    return not instructions().isdisjoint({"avx512_bf16", "amx_bf16"})
