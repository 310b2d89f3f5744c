"""Models of Keras: `.keras`, `.h5` and JSON, read as data. No code of theirs runs."""

from __future__ import annotations

from cnnkit.importing.keras.reader import read

__all__ = ["read"]
