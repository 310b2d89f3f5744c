"""The pools, in the words of Keras."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.common import blur_weights
from cnnkit.export.keras.naming import named, operation_of
from cnnkit.export.keras.padding import filled, padding_word, zero_padding
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer, both, brief, is_even, is_zero, overhang_of, sides_of
from cnnkit.spec.site import Site


def _max_pool(site: Site[layers.MaxPool]) -> Expression:
    windows, before = site.windows, []
    padding = padding_word(windows)
    dilated = any(window.dilation > 1 for window in windows)
    if padding is None or (dilated and padding != "valid"):
        cells = ((0, 0), *both(sides_of(windows), overhang_of(windows)), (0, 0))
        before.append(f'ops.pad({{0}}, {hole("sides", cells)}, constant_values=float("-inf"))')
        padding = "valid"
    if dilated:
        values = (
            f"size={hole('pool_size', tuple(window.size for window in windows))}",
            f"strides={hole('strides', tuple(window.stride for window in windows))}",
            f"dilation={hole('dilation_rate', tuple(window.dilation for window in windows))}",
            f"outputs={hole('outputs', tuple(window.output for window in windows))}",
        )
        return operation_of(f"DilatedMaxPool({', '.join(values)}", *before)
    build = (
        f"layers.MaxPooling{len(windows)}D("
        f"{hole('pool_size', brief([window.size for window in windows]))}"
        + option("strides", brief([window.stride for window in windows]), None)
        + option("padding", padding, "valid")
    )
    return operation_of(build, *before)


def _mean_pool(site: Site[layers.MeanPool]) -> Expression:
    windows = site.windows
    padding = padding_word(windows)
    if padding is None or (padding == "same" and not _is_same(site)):
        values = (
            f"size={hole('pool_size', tuple(window.size for window in windows))}",
            f"strides={hole('strides', tuple(window.stride for window in windows))}",
            f"sides={hole('sides', sides_of(windows))}",
            f"overhang={hole('overhang', overhang_of(windows))}",
            f"count_padding={site.layer.count_padding}",
        )
        return operation_of(f"MeanPool({', '.join(values)}")
    build = (
        f"layers.AveragePooling{len(windows)}D("
        f"{hole('pool_size', brief([window.size for window in windows]))}"
        + option("strides", brief([window.stride for window in windows]), None)
        + option("padding", padding, "valid")
    )
    return operation_of(build)


def _is_same(site: Site[layers.MeanPool]) -> bool:
    """Whether ``same`` is what the layer says with each backend of Keras.

    None counts the padding. PyTorch's repeats the border where there is more after than before,
    and takes no volume smaller than the window.
    """
    if site.layer.count_padding or not is_even(sides_of(site.windows)):
        return False
    return site.rank < 3 or all(window.size <= window.extent for window in site.windows)


def _global_pool(site: Site[Any]) -> Expression:
    name = "Max" if site.layer.kind == "global_max_pool" else "Average"
    keep = "keepdims=True, " if site.layer.keep_axes else ""
    text = f"layers.Global{name}Pooling{site.rank}D({keep}{named()})({{0}})"
    return Expression((text,))


def _adaptive_pool(site: Site[Any]) -> Expression:
    # The adaptive layers of Keras give other windows than PyTorch's, and NaN (3.15, JAX).
    is_max, output = site.layer.kind == "adaptive_max_pool", site.output[:-1]
    pairs = list(zip(site.shape[:-1], output, strict=True))
    if any(extent % count for extent, count in pairs):
        by = "max" if is_max else "mean"
        return operation_of(f'AdaptivePool(output={hole("output", output)}, by="{by}"')
    name = "Max" if is_max else "Average"
    size = hole("pool_size", brief([extent // count for extent, count in pairs]))
    return operation_of(f"layers.{name}Pooling{site.rank}D({size}")


def _lp_pool(site: Site[layers.LpPool]) -> Expression:
    windows = site.windows
    cells = both(sides_of(windows), overhang_of(windows))
    before = () if is_zero(cells) else (zero_padding(cells),)
    size = hole("pool_size", tuple(window.size for window in windows))
    strides = hole("strides", tuple(window.stride for window in windows))
    values = f"p={hole('p', site.layer.p)}, pool_size={size}, strides={strides}"
    return operation_of(f"LpPool({values}", *before)


def _blur_pool(site: Site[layers.BlurPool]) -> Expression:
    windows, calls, mode = site.windows, [], site.layer.padding_mode
    if not is_zero(sides_of(windows)):
        sides = sides_of(windows)
        calls.append(zero_padding(sides) if mode == "zeros" else filled(sides, mode))
    if not is_zero(overhang_of(windows)):
        cells = ((0, 0), *overhang_of(windows), (0, 0))
        calls.append(f"ops.pad({{0}}, {hole('overhang', cells)})")
    return operation_of(f"BlurPool({blur_weights(site, named=True)}", *calls)


def _reduce(site: Site[layers.Reduce]) -> Expression:
    layer = site.layer
    axes = tuple(place + 1 for place in layer.places(site.shape))
    arguments = f"axis={axes}" + (", keepdims=True" if layer.keep else "")
    if layer.by == "norm":
        return Expression((f"ops.sqrt(ops.sum(ops.square({{0}}), {arguments}))",))
    return Expression((f"ops.{layer.by}({{0}}, {arguments})",))


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
