"""What machines can do: the rates that an estimate of time needs, in files.

``machine.py`` is the format, ``known`` has files of accelerators from their data sheets, and
``reading.py`` reads either. ``cnnkit doctor --measure`` writes one of the machine that it runs on.
"""

from __future__ import annotations

from cnnkit.analysis.machines.machine import FORMAT, DeviceLink, Machine, Rates
from cnnkit.analysis.machines.reading import known_machines, read_machine

__all__ = ["FORMAT", "DeviceLink", "Machine", "Rates", "known_machines", "read_machine"]
