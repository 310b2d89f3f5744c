"""``Spec`` to ``Analysis``: shapes, counts, cost, memory, receptive field. Prints nothing."""

from cnnkit.analysis.analyze import analyze
from cnnkit.analysis.result import Analysis, LayerAnalysis, Settings, Totals

__all__ = ["Analysis", "LayerAnalysis", "Settings", "Totals", "analyze"]
