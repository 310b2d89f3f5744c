"""The words of Flax for what stands in the cells of a padding."""

from __future__ import annotations

MODES = {"reflect": "reflect", "edge": "edge", "stretch": "edge", "replicate": "edge"}
MODES["circular"] = "wrap"
