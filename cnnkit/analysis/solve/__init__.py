"""The inverse of the analysis: what fits a window, an input or a budget.

``fits`` lists the strides and paddings of a window, ``exact_inputs`` the extents for which a
whole spec is exact, ``largest`` the largest value of a field that meets budgets, ``valid_values``
the values of a field without an error. Each answer is put into a spec and analysed before it is
given.
"""

from cnnkit.analysis.solve.budget import BudgetSolution, Trial, largest
from cnnkit.analysis.solve.inputs import InputSolution, exact_inputs
from cnnkit.analysis.solve.valid import ValidSolution, valid_values
from cnnkit.analysis.solve.values import Values
from cnnkit.analysis.solve.window import Fit, WindowQuestion, WindowSolution, fits

__all__ = [
    "BudgetSolution",
    "Fit",
    "InputSolution",
    "Trial",
    "ValidSolution",
    "Values",
    "WindowQuestion",
    "WindowSolution",
    "exact_inputs",
    "fits",
    "largest",
    "valid_values",
]
