"""The pools, in the words of Flax."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.common import blur_weights
from cnnkit.export.flax.padding import MODES
from cnnkit.export.outline import Expression
from cnnkit.export.site import Sides, Writer, both, is_zero, overhang_of, sides_of
from cnnkit.spec.site import Site


def _max_pool(site: Site[layers.MaxPool]) -> Expression:
    windows = site.windows
    padding = both(sides_of(windows), overhang_of(windows))
    size = hole("window", tuple(window.size for window in windows))
    strides = hole("strides", tuple(window.stride for window in windows))
    if any(window.dilation > 1 for window in windows):
        dilation = hole("dilation", tuple(window.dilation for window in windows))
        cells = hole("padding", padding)
        return Expression((f"dilated_max_pool({{0}}, {size}, {strides}, {dilation}, {cells})",))
    return Expression((f"nnx.max_pool({{0}}, {size}, {strides}{_cells(padding)})",))


def _cells(padding: Sides) -> str:
    return option("padding", "VALID" if is_zero(padding) else padding, "VALID")


def _mean_pool(site: Site[layers.MeanPool]) -> Expression:
    windows = site.windows
    padding, overhang = sides_of(windows), overhang_of(windows)
    size = hole("window", tuple(window.size for window in windows))
    strides = hole("strides", tuple(window.stride for window in windows))
    calls = []
    if site.layer.count_padding and not is_zero(overhang):
        # The padding counts, what `ceil` reaches beyond it does not.
        calls.append(f"pad({{0}}, {hole('sides', padding)})")
        padding = overhang
    else:
        padding = both(padding, overhang)
    counted = site.layer.count_padding and is_zero(overhang)
    count = option("count_include_pad", counted or is_zero(padding), True)
    calls.append(f"nnx.avg_pool({{0}}, {size}, {strides}{_cells(padding)}{count})")
    return Expression(tuple(calls))


def _global_pool(site: Site[Any]) -> Expression:
    function = "max" if site.layer.kind == "global_max_pool" else "mean"
    axes = tuple(range(1, len(site.shape)))
    keep = ", keepdims=True" if site.layer.keep_axes else ""
    return Expression((f"{{0}}.{function}(axis={axes}{keep})",))


def _adaptive_pool(site: Site[Any]) -> Expression:
    function = "jnp.max" if site.layer.kind == "adaptive_max_pool" else "jnp.mean"
    output = site.output[:-1]
    return Expression((f"adaptive_pool({{0}}, {hole('output', output)}, {function})",))


def _lp_pool(site: Site[layers.LpPool]) -> Expression:
    windows, calls = site.windows, []
    if not is_zero(cells := both(sides_of(windows), overhang_of(windows))):
        calls.append(f"pad({{0}}, {hole('sides', cells)})")
    size = hole("window", tuple(window.size for window in windows))
    strides = hole("strides", tuple(window.stride for window in windows))
    calls.append(f"lp_pool({{0}}, {hole('p', site.layer.p)}, {size}, {strides})")
    return Expression(tuple(calls))


def _blur_pool(site: Site[layers.BlurPool]) -> Expression:
    windows, calls = site.windows, []
    if not is_zero(sides_of(windows)):
        mode = MODES.get(site.layer.padding_mode, "constant")
        calls.append(f'pad({{0}}, {hole("sides", sides_of(windows))}, "{mode}")')
    if not is_zero(overhang_of(windows)):
        calls.append(f"pad({{0}}, {hole('overhang', overhang_of(windows))})")
    return Expression((*calls, f"blur_pool({{0}}, {blur_weights(site)})"))


def _reduce(site: Site[layers.Reduce]) -> Expression:
    layer = site.layer
    axes = tuple(place + 1 for place in layer.places(site.shape))
    arguments = f"axis={axes}" + (", keepdims=True" if layer.keep else "")
    if layer.by == "norm":
        return Expression((f"jnp.sqrt(jnp.square({{0}}).sum({arguments}))",))
    return Expression((f"{{0}}.{layer.by}({arguments})",))


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "max_pool": _max_pool,
        "mean_pool": _mean_pool,
        "global_max_pool": _global_pool,
        "global_mean_pool": _global_pool,
        "adaptive_max_pool": _adaptive_pool,
        "adaptive_mean_pool": _adaptive_pool,
        "lp_pool": _lp_pool,
        "blur_pool": _blur_pool,
        "reduce": _reduce,
    }
)
