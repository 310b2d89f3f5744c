"""Ways to move each image of a batch by its own number of cells, on the default device.

The augmentations `shift` and `crop` take a slice of each padded image under ``vmap``. The others
are what one may try instead: gathering rows and columns, a loop over the images, and a product
with one-hot matrices. All give the same values; that is checked first.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax
from measuring import Measure, heading, in_turn, machine, milliseconds, table, versions

BATCH, EXTENT, CHANNELS, CELLS = 128, 32, 3, 4
OURS = "slices under vmap"


def sliced(padded: Array, starts: Array) -> Array:
    """A slice of each image."""
    shape = (EXTENT, EXTENT, CHANNELS)
    return jax.vmap(lambda image, at: lax.dynamic_slice(image, (*at, 0), shape))(padded, starts)


def gathered(padded: Array, starts: Array) -> Array:
    """The rows, then the columns."""
    cells = jnp.arange(EXTENT)
    rows, columns = (starts[:, axis, None] + cells for axis in (0, 1))
    some = jnp.take_along_axis(padded, rows[:, :, None, None], 1)
    return jnp.take_along_axis(some, columns[:, None, :, None], 2)


def looped(padded: Array, starts: Array) -> Array:
    """One image after the other."""
    shape = (EXTENT, EXTENT, CHANNELS)

    def cut(each: tuple[Array, Array]) -> Array:
        image, at = each
        return lax.dynamic_slice(image, (*at, 0), shape)

    images: Array = lax.map(cut, (padded, starts))
    return images


def multiplied(padded: Array, starts: Array) -> Array:
    """One-hot matrices that choose rows and columns."""
    chosen = starts[..., None, None] + jnp.arange(EXTENT)[:, None]
    rows, columns = jnp.moveaxis(chosen == jnp.arange(padded.shape[1]), 1, 0).astype(padded.dtype)
    return jnp.einsum("nij,njkc,nlk->nilc", rows, padded, columns)


WAYS: dict[str, Callable[[Array, Array], Array]] = {
    OURS: sliced,
    "rows, then columns": gathered,
    "a loop": looped,
    "one-hot matrices": multiplied,
}


def main() -> None:
    """Measures all ways in turn, and prints them with the ratio to ours."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=200, help="runs of each side")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="one run of each, to see that it runs")
    options = parser.parse_args()
    n = 1 if options.quick else options.n
    shape = (BATCH, EXTENT + 2 * CELLS, EXTENT + 2 * CELLS, CHANNELS)
    padded = jax.random.uniform(jax.random.key(0), shape)
    starts = jax.random.randint(jax.random.key(1), (BATCH, 2), 0, 2 * CELLS + 1)
    compiled = {name: jax.jit(way) for name, way in WAYS.items()}
    expected = compiled[OURS](padded, starts)
    for name, way in compiled.items():
        assert jnp.array_equal(way(padded, starts), expected), name
    medians = in_turn({name: _call(way, padded, starts) for name, way in compiled.items()}, n)
    ratios = {name: seconds / medians[OURS] for name, seconds in medians.items()}
    facts = machine() | {"device": jax.devices()[0].device_kind} | versions("jax")
    if options.json:
        figures = {"n": n, "seconds": medians, "ratios": ratios}
        print(json.dumps({"machine": facts, "augmentation": figures}, indent=2))
        return
    print(f"{heading(facts)}; {BATCH} images of {EXTENT}x{EXTENT}x{CHANNELS}; medians of n = {n}\n")
    rows = [[name, milliseconds(s), f"{ratios[name]:.1f}"] for name, s in medians.items()]
    print(table(["way", "time", "ratio"], rows))


def _call(way: Callable[[Array, Array], Array], padded: Array, starts: Array) -> Measure:
    def measure() -> float:
        start = time.perf_counter()
        way(padded, starts).block_until_ready()
        return time.perf_counter() - start

    return measure


if __name__ == "__main__":
    main()
