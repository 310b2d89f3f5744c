"""Whether the kernels of this package may be chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from jax import lax

from cnnkit.network.kernels import onednn

_plain = ContextVar("_plain", default=False)
_divisible = ContextVar("_divisible", default=False)
_platform: ContextVar[str | None] = ContextVar("_platform", default=None)

Result = TypeVar("Result")


@contextmanager
def plain_only() -> Iterator[None]:
    """Inside, every function traced anew is made of XLA's own operations only.

    For programs that leave this process (an export, where a foreign function would be unknown)
    and for forward-mode derivatives. A function that ``jax.jit`` has compiled before stays as
    it is.
    """
    token = _plain.set(True)
    try:
        yield
    finally:
        _plain.reset(token)


def is_plain() -> bool:
    """Whether only XLA's own operations may be used here."""
    return _plain.get()


@contextmanager
def divisible_only() -> Iterator[None]:
    """Inside, every function traced anew can be divided among devices along the batch.

    XLA cannot cut a foreign function, so that each device would be sent the whole batch for it;
    and what takes parts of a batch, or one example of it, makes devices wait for each other.
    """
    token = _divisible.set(True)
    try:
        yield
    finally:
        _divisible.reset(token)


def is_divisible() -> bool:
    """Whether only what can be divided among devices may be used here."""
    return _divisible.get()


@contextmanager
def on_platform(name: str) -> Iterator[None]:
    """Inside, every function traced anew is for one platform, of JAX's names, and no other.

    What would be chosen on other platforms need not be traced then, which is much of the time that
    it takes to trace a training step.
    """
    token = _platform.set(name)
    try:
        yield
    finally:
        _platform.reset(token)


def by_platform(
    *operands: object, cpu: Callable[..., Result], default: Callable[..., Result]
) -> Result:
    """As ``lax.platform_dependent``; where the platform is known, the function of that one."""
    known = _platform.get()
    if known is None:
        chosen: Result = lax.platform_dependent(*operands, cpu=cpu, default=default)
        return chosen
    return (cpu if known == "cpu" else default)(*operands)


def may_be_foreign() -> bool:
    """Whether the extension is there, and its functions may be called here."""
    return not is_plain() and not is_divisible() and onednn.load().active
