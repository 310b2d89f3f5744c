"""oneDNN's convolutions inside XLA's programs on a CPU: an extension in C++, never needed.

``convolution.py`` calls it, ``build.py`` compiles it, and this module says whether it is there.
The foreign function (``convolution.cc``) deals a convolution out (``parts.cc``) over XLA's threads
(``pool.h``) and has oneDNN compute each part on one of them (``primitive.cc``).
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from functools import cache

from cnnkit.network.kernels.onednn import build

SWITCH = "CNNKIT_ONEDNN"
"""The environment variable that keeps oneDNN out of use when it is `off`."""


@dataclass(frozen=True)
class Availability:
    """Whether oneDNN is used in this process, and why or why not.

    Attributes:
        active: It is used.
        wanted: The user has installed the extra, so that its absence is worth a word.
        reason: Why, in a line.
    """

    active: bool
    wanted: bool
    reason: str


@cache
def load() -> Availability:
    """Load the extension if it was built, and tell XLA of it; once in a process."""
    if os.environ.get(SWITCH) == "off":
        return Availability(False, False, f"switched off by {SWITCH}=off")
    if problem := build.unsupported():
        return Availability(False, False, problem)
    if problem := build.not_installed():
        return Availability(False, False, problem)
    library = build.library()
    if not library.exists():
        return Availability(False, True, "the extension is not built: `cnnkit doctor --build`")
    if problem := build.untrusted(library):
        return Availability(False, True, problem)
    try:
        extension = ctypes.CDLL(str(library))
    except OSError as error:
        return Availability(False, True, f"the extension can't be loaded: {error}")
    import jax

    from cnnkit.network.kernels.onednn.convolution import TARGET

    jax.ffi.register_ffi_target(TARGET, jax.ffi.pycapsule(extension.CnnkitConvolve), platform="cpu")
    return Availability(True, True, f"oneDNN {build.version()}, {library}")
