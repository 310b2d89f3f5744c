"""What this machine has for training, what is missing, and how to get it.

``examine`` looks, ``sheet`` shows; each thing that is looked at is a ``Fact``.
"""

from __future__ import annotations

from cnnkit.doctor.examination import Examination, examine
from cnnkit.doctor.fact import Fact

__all__ = ["Examination", "Fact", "examine"]
