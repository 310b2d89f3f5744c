"""`cnnkit check`: which files are specs, what is wrong with each, and the edits that cure it.

    paths ──discovery──▶ candidates ──check──▶ CheckResult ──▶ report
                              └──configuration──▶ levels ┘

What is wrong with a file is a value, so one broken file never hides another. ``run`` is the whole;
``check`` is one file. Neither jax nor rich is loaded here.
"""

from __future__ import annotations

from cnnkit.checking.check import CheckResult
from cnnkit.checking.levels import Levels, RuleSelection
from cnnkit.checking.runner import Request, run

__all__ = ["CheckResult", "Levels", "Request", "RuleSelection", "run"]
