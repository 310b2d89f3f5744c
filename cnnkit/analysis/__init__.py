"""``Spec`` to ``Analysis``: shapes, counts, cost, memory, receptive field. Prints nothing."""

from cnnkit.analysis.analyze import analyze
from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.analysis.result import Analysis, Settings, Totals

__all__ = ["Analysis", "LayerAnalysis", "Settings", "Totals", "analyze"]
