"""What a server takes on at once; beyond it a request is refused, and memory does not grow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The limits of a server.

    Attributes:
        size: The bytes that the body of a request may have.
        time: The seconds that a request may take, from its first byte to its answer.
        queue: The requests that are read, waiting or computed at once.
        examples: The inputs that a request may have.
        pixels: The pixels of an image: what it unpacks to, whatever it was packed into.
        batch: The inputs that are computed together, at most.
    """

    size: int = 16 * 2**20
    time: float = 30.0
    queue: int = 128
    examples: int = 64
    pixels: int = 2**25
    batch: int = 32
