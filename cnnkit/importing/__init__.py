"""Models of others -> a small graph of operations -> a spec, proven to be the same network.

A format is a room of its own that gives the graph; ``patterns`` find what its figures stand for,
``structure`` its branches, and ``writing`` the text. No framework is loaded but the one asked for.
"""

from __future__ import annotations

from cnnkit.importing.importing import (
    Imported,
    example_of,
    from_flax,
    from_torch,
    import_model,
    import_torch,
    partial_text,
    partial_torch,
)

__all__ = [
    "Imported",
    "example_of",
    "from_flax",
    "from_torch",
    "import_model",
    "import_torch",
    "partial_text",
    "partial_torch",
]
