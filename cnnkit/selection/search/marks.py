"""What a trial is marked with in the database of its study, so that all processes know of it."""

from __future__ import annotations

from typing import Final

SLOT: Final = "slot"
"""The number of the slot that the trial stands for."""
INSTEAD_OF: Final = "instead_of"
"""The number of the trial in whose slot this one was put."""
WORKER: Final = "worker"
"""The process that runs it."""
HEARTBEAT: Final = "heartbeat"
"""The last sign of life of that process, where the storage has no better place for it."""
ACCEPTED: Final = "accepted"
"""That no other trial has its choices, so that it is trained."""
REJECTED: Final = "rejected"
"""Why a trial was not trained: its network is invalid, too large, or known already."""
INTERRUPTED: Final = "interrupted"
"""Why it ended without a value and waits again in its slot."""
FAILED: Final = "failed"
"""Why it could not go on."""
