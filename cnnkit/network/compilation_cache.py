"""What XLA has compiled is kept, so that the second run of a network starts at once."""

from __future__ import annotations

from pathlib import Path

from cnnkit.folders import make_private, user_cache


def folder() -> Path:
    """Where compiled programs are kept."""
    return user_cache() / "compiled"


def enable() -> str | None:
    """Keep every program that is compiled from now on, and find the ones that are kept.

    A cache that the user has configured for JAX is left as it is.

    Returns:
        None where the programs are kept, else why they can't be; all works without.
    """
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    if jax.config.jax_compilation_cache_dir:  # type: ignore[attr-defined]
        return None
    if problem := make_private(folder()):
        return problem
    jax.config.update("jax_compilation_cache_dir", str(folder()))
    # The steps of a small network compile in less than JAX's second, and are many.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # JAX looks for the folder at the first compilation, which may have been.
    compilation_cache.reset_cache()
    return None
