"""Where branches meet, in the words of Flax."""

from __future__ import annotations

from cnnkit.export.common import joining

joined = joining("jnp.concatenate({}, axis=-1)", ":", "jnp.maximum")
