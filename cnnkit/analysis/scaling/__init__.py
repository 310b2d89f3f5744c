"""A training on many devices, before any is rented: memory, collectives, time, and how it scales.

A file for each part of the model, with the sources of its formulas: ``mesh`` the devices, ``work``
what they compute, ``exchange`` what they send each other, ``collective`` what that costs, and
``prediction`` how long it takes. ``planning`` puts a plan to an analysis.
"""

from cnnkit.analysis.scaling.collective import Collective
from cnnkit.analysis.scaling.mesh import DeviceMesh, read_mesh
from cnnkit.analysis.scaling.plan import TrainingPlan
from cnnkit.analysis.scaling.planning import planned, plans_of
from cnnkit.analysis.scaling.prediction import Scaling, Speeds, speeds_of

__all__ = [
    "Collective",
    "DeviceMesh",
    "Scaling",
    "Speeds",
    "TrainingPlan",
    "planned",
    "plans_of",
    "read_mesh",
    "speeds_of",
]
