"""oneDNN's convolutions inside XLA's programs on a CPU: an extension in C++, never needed.

``build.py`` compiles it, and this module says whether it is there. It has these foreign functions:

- ``convolution.py`` calls one for each convolution of a training. ``convolution.cc`` deals it out
  (``parts.cc``) over XLA's threads (``pool.h``) and has oneDNN compute each part on one of them
  (``primitive.cc``).
- ``normalization.py`` calls two for each batch norm of a training and its gradient, with the
  addition and the rectifier behind it: ``normalization.cc``, computed by ``batch_norm.cc``.
- ``pooling.py`` calls two for each max pool of a training and its gradient (``max_pool.cc``), and
  ``depthwise.py`` one for each depthwise convolution of bfloat16 (``depthwise.cc``). These are
  vectors of our own (``vectors.h``).
- ``inference.py`` calls one for a whole part of a network that is trained: a program
  (``program.cc``), which for a number of examples becomes primitives that hand each other maps in
  oneDNN's own layouts (``plan.cc``); ``inference.cc`` deals the examples out.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
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
        path: The shared library, where it is used.
    """

    active: bool
    wanted: bool
    reason: str
    path: str = ""


_WAITS = {"OMP_WAIT_POLICY": "active", "GOMP_SPINCOUNT": "20000"}
"""A thread of OpenMP that waits for another one looks for it a fifth of a millisecond long."""


@contextmanager
def _short_waits() -> Iterator[None]:
    """The environment in which OpenMP is loaded: it reads its settings then, and never again.

    At its defaults its threads sleep at once where several threads call it, as XLA's do: a small
    network on one example then takes twice as long.
    """
    if _WAITS.keys() & os.environ.keys():
        yield
        return
    os.environ.update(_WAITS)
    try:
        yield
    finally:
        for name in _WAITS:
            del os.environ[name]


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
        with _short_waits():
            extension = ctypes.CDLL(str(library))
    except OSError as error:
        return Availability(False, True, f"the extension can't be loaded: {error}")
    import jax

    from cnnkit.network.kernels.onednn import (
        convolution,
        depthwise,
        inference,
        normalization,
        pooling,
    )

    for target, function in (
        (convolution.TARGET, extension.CnnkitConvolve),
        (depthwise.TARGET, extension.CnnkitConvolveDepthwise),
        (normalization.TARGET, extension.CnnkitNormalize),
        (normalization.GRADIENT_TARGET, extension.CnnkitNormalizeGradient),
        (pooling.TARGET, extension.CnnkitMaxPool),
        (pooling.GRADIENT_TARGET, extension.CnnkitMaxPoolGradient),
        (inference.TARGET, extension.CnnkitInfer),
    ):
        jax.ffi.register_ffi_target(target, jax.ffi.pycapsule(function), platform="cpu")
    return Availability(True, True, f"oneDNN {build.version()}, {library}", str(library))
