"""Where branches meet, in the words of Flax."""

from __future__ import annotations

from cnnkit.export.common import Axes, joining

joined = joining("jnp.concatenate({}, axis={})", Axes(channels=-1, first=1), ":", "jnp")
