"""Open extents: the analysis of a spec whose input has letters in place of numbers."""

from cnnkit.analysis.extents.formulas import LayerFormulas, OpenAnalysis, open_analysis
from cnnkit.analysis.extents.letters import OpenInput, open_input
from cnnkit.analysis.extents.polynomial import Polynomial
from cnnkit.analysis.extents.residues import Extents

__all__ = [
    "Extents",
    "LayerFormulas",
    "OpenAnalysis",
    "OpenInput",
    "Polynomial",
    "open_analysis",
    "open_input",
]
