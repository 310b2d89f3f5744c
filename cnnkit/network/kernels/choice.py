"""Whether the kernels of this package may be chosen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from cnnkit.network.kernels import onednn

_plain = ContextVar("_plain", default=False)
_divisible = ContextVar("_divisible", default=False)


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


def may_be_foreign() -> bool:
    """Whether the extension is there, and its functions may be called here."""
    return not is_plain() and not is_divisible() and onednn.load().active
