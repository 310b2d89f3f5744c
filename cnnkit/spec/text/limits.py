"""The budgets of a spec's text: what is larger is refused before anything is built from it.

Each is far above what any network in print needs, and low enough that a hostile or mistaken file
costs a moment and some memory, never the machine.
"""

from __future__ import annotations

from typing import Final

__all__ = ["MAX_DEPTH", "MAX_FILE_BYTES", "MAX_INTEGER_DIGITS", "MAX_NODES", "MAX_SCALAR_LENGTH"]

MAX_FILE_BYTES: Final = 16 * 1024**2
"""A spec with every weight of a small layer written out has under 1 MiB."""

MAX_DEPTH: Final = 100
"""Nested lists and mappings. A U-Net written as one residual in another has under 40, and the
recursive walks over a tree stay well inside Python's own limit."""

MAX_NODES: Final = 500_000
"""Values after aliases are expanded, so that ten lines of aliases cannot stand for 10^9 values.
A spec of 10,000 layers, each written out, has 110,000."""

MAX_INTEGER_DIGITS: Final = 40
"""Counts are exact at any size, and 10^40 is beyond the parameters of anything; Python takes
quadratic time to read an integer and refuses one above 4,300 digits with an exception."""

MAX_SCALAR_LENGTH: Final = 100_000
"""Characters of one string or number: a description of 20 pages."""
