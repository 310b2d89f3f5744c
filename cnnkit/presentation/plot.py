"""How diagrams look, whoever draws them: one style of Matplotlib, drawn without a display."""

from __future__ import annotations

from typing import Any, Final

# Of Okabe and Ito (2008), which the colour-blind can tell apart.
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
GREEN: Final = "#009E73"
GREY: Final = "#94a3b8"
"""What stands in the background, such as what is not the best."""

STYLE: Final[Any] = {  # its keys are a type of their own in Matplotlib
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.9,
    "lines.linewidth": 1.4,
    "lines.markersize": 3,
    "svg.fonttype": "path",
    "svg.hashsalt": "cnnkit",  # the same figure is the same file
}
