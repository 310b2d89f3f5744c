"""The inverse of the analysis: what fits a window, an input or a budget.

``fits`` lists the strides and paddings of a window, ``exact_inputs`` the extents for which a
whole spec is exact, ``largest`` the largest value of a field that meets budgets. Each answer is
put into a spec and analysed before it is given.
"""

from cnnkit.analysis.solve.budget import BudgetSolution, Trial, Values, largest
from cnnkit.analysis.solve.inputs import InputSolution, exact_inputs
from cnnkit.analysis.solve.window import Fit, Question, WindowSolution, fits

__all__ = [
    "BudgetSolution",
    "Fit",
    "InputSolution",
    "Question",
    "Trial",
    "Values",
    "WindowSolution",
    "exact_inputs",
    "fits",
    "largest",
]
