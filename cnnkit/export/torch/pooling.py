"""The pools, in the words of PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.common import blur_weights
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer, both, brief, is_zero, overhang_of, sides_of
from cnnkit.export.torch.padding import last_axis_first, pad
from cnnkit.layers.window import Window
from cnnkit.spec.site import Site


def _max_pool(site: Site[layers.MaxPool]) -> Expression:
    windows, calls = site.windows, []
    padding = [window.before for window in windows]
    native = _is_native(windows)
    if not native:
        cells = hole("sides", last_axis_first(both(sides_of(windows), overhang_of(windows))))
        calls.append(f'F.pad({{0}}, {cells}, value=float("-inf"))')
        padding = [0] * len(windows)
    calls.append(
        f"F.max_pool{site.rank}d({{0}}"
        f", {hole('kernel_size', brief([window.size for window in windows]))}"
        + option("stride", brief([window.stride for window in windows]), None)
        + option("padding", brief(padding), 0)
        + option("dilation", brief([window.dilation for window in windows]), 1)
        + option("ceil_mode", native and _is_ceiled(windows), False)
        + ")"
    )
    return Expression(tuple(calls))


def _mean_pool(site: Site[layers.MeanPool]) -> Expression:
    windows = site.windows
    padding, overhang = sides_of(windows), overhang_of(windows)
    size = hole("kernel_size", brief([window.size for window in windows]))
    stride = brief([window.stride for window in windows])
    # PyTorch's mean of volumes takes no window larger than the input without its padding.
    large = len(windows) == 3 and any(window.size > window.extent for window in windows)
    if large or not _is_native(windows):
        values = (f"{hole('stride', stride)}", hole("sides", last_axis_first(padding)))
        more = (
            hole("overhang", last_axis_first(overhang)),
            f"count_padding={site.layer.count_padding}",
        )
        return Expression((f"mean_pool({', '.join(('{0}', size, *values, *more))})",))
    return Expression(
        (
            f"F.avg_pool{site.rank}d({{0}}, {size}"
            + option("stride", stride, None)
            + option("padding", brief([window.before for window in windows]), 0)
            + option("ceil_mode", _is_ceiled(windows), False)
            + option("count_include_pad", site.layer.count_padding or is_zero(padding), True)
            + ")",
        )
    )


def _is_native(windows: Sequence[Window]) -> bool:
    """Whether PyTorch's pools take the padding: alike on both sides, at most half a window."""
    return all(w.before == w.after and w.before * 2 <= w.size for w in windows)


def _is_ceiled(windows: Sequence[Window]) -> bool:
    """Whether the rounding makes a difference; PyTorch drops the windows that we do."""
    return any(window.output != window.slack // window.stride + 1 for window in windows)


def _global_pool(site: Site[Any]) -> Expression:
    function = "amax" if site.layer.kind == "global_max_pool" else "mean"
    axes = tuple(range(2, len(site.shape) + 1))
    keep = ", keepdim=True" if site.layer.keep_axes else ""
    return Expression((f"{{0}}.{function}(dim={axes}{keep})",))


def _adaptive_pool(site: Site[Any]) -> Expression:
    function = "max" if site.layer.kind == "adaptive_max_pool" else "avg"
    output = hole("output_size", site.output[:-1])
    return Expression((f"F.adaptive_{function}_pool{site.rank}d({{0}}, {output})",))


def _lp_pool(site: Site[layers.LpPool]) -> Expression:
    windows = site.windows
    calls = []
    if not is_zero(cells := both(sides_of(windows), overhang_of(windows))):
        calls.append(pad(cells))
    size = hole("kernel_size", brief([window.size for window in windows]))
    stride = hole("stride", brief([window.stride for window in windows]))
    p = hole("p", site.layer.p)
    calls.append(f"F.lp_pool{site.rank}d({{0}}.abs(), {p}, {size}, {stride})")
    return Expression(tuple(calls))


def _blur_pool(site: Site[layers.BlurPool]) -> Expression:
    calls = []
    if not is_zero(sides_of(site.windows)):
        calls.append(pad(sides_of(site.windows), site.layer.padding_mode))
    if not is_zero(overhang_of(site.windows)):
        calls.append(pad(overhang_of(site.windows), name="overhang"))
    return Expression((*calls, f"blur_pool({{0}}, {blur_weights(site)})"))


def _reduce(site: Site[layers.Reduce]) -> Expression:
    layer, channels = site.layer, len(site.shape) - 1
    places = layer.places(site.shape)
    axes = tuple(1 if place == channels else place + 2 for place in places)
    arguments = f"dim={axes}" + (", keepdim=True" if layer.keep else "")
    if layer.by == "norm":
        call = f"torch.linalg.vector_norm({{0}}, {arguments})"
    else:
        call = f"{{0}}.{'amax' if layer.by == 'max' else layer.by}({arguments})"
    # Without its channels, the last axis of a map is its channels.
    moved = not layer.keep and channels in places and len(site.output) > 1
    return Expression((f"{call}.movedim(-1, 1)" if moved else call,))


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
