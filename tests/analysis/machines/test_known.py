"""The figures of the files that are shipped, typed off the data sheets once more."""

from __future__ import annotations

import pytest

from cnnkit.analysis.machines import known_machines, read_machine

GB, GIB = 10**9, 2**30

RATES: dict[str, dict[str, float]] = {
    "a100": {"float32": 156, "bfloat16": 312, "float16": 312, "float64": 19.5, "int8": 624,
             "int4": 1248},
    "h100": {"float32": 989 / 2, "bfloat16": 1979 / 2, "float16": 1979 / 2, "float64": 67,
             "int8": 3958 / 2},
    "h200": {"float32": 989 / 2, "bfloat16": 1979 / 2, "float16": 1979 / 2, "float64": 67,
             "int8": 3958 / 2},
    "l4": {"float32": 120 / 2, "bfloat16": 242 / 2, "float16": 242 / 2, "int8": 485 / 2},
    "l40s": {"float32": 183, "bfloat16": 362.05, "float16": 362.05, "int8": 733},
    "rtx-3090": {"float32": 35.6, "bfloat16": 71, "float16": 71, "int8": 284, "int4": 568},
    "rtx-4090": {"float32": 82.6, "bfloat16": 165.2, "float16": 165.2, "int8": 660.6,
                 "int4": 1321.2},
    "t4": {"float32": 8.1, "float16": 65, "int8": 130, "int4": 260},
    "v100": {"float32": 15.7, "float16": 125, "float64": 7.8},
    "tpu-v4": {"bfloat16": 275, "int8": 275},
    "tpu-v5e": {"bfloat16": 197, "int8": 393},
    "tpu-v5p": {"bfloat16": 459, "int8": 918},
    "tpu-v6e": {"bfloat16": 918, "int8": 1836},
}  # fmt: skip
"""TFLOP/s of products; those that a sheet gives with sparsity alone are halved here."""

MEMORIES = {
    "a100": (80 * GB, 2039), "h100": (80 * GB, 3350), "h200": (141 * GB, 4800),
    "l4": (24 * GB, 300), "l40s": (48 * GB, 864), "rtx-3090": (24 * GB, 936),
    "rtx-4090": (24 * GB, 1008), "t4": (16 * GB, 320), "v100": (32 * GB, 900),
    "tpu-v4": (32 * GIB, 1200), "tpu-v5e": (16 * GIB, 819), "tpu-v5p": (95 * GIB, 2765),
    "tpu-v6e": (32 * GB, 1638),
}  # fmt: skip
"""Bytes, in the sheet's unit, and GB/s."""

LINKS: dict[str, dict[str, float]] = {
    "a100": {"NVLink": 600, "PCIe": 64}, "h100": {"NVLink": 900, "PCIe": 128},
    "h200": {"NVLink": 900, "PCIe": 128}, "l4": {"PCIe": 64}, "l40s": {"PCIe": 64},
    "rtx-3090": {"NVLink": 112.5, "PCIe": 64}, "rtx-4090": {"PCIe": 64}, "t4": {"PCIe": 32},
    "v100": {"NVLink": 300, "PCIe": 32}, "tpu-v4": {"ICI": 2 * 6 * 50}, "tpu-v5e": {"ICI": 400},
    "tpu-v5p": {"ICI": 1200}, "tpu-v6e": {"ICI": 800},
}  # fmt: skip
"""GB/s over all links in both directions, as the sheets count them; the fastest stands first."""


@pytest.mark.parametrize("name", known_machines())
def test_figures_are_those_of_the_data_sheet(name: str) -> None:
    machine = read_machine(name)
    rates = {precision: each.product / 1e12 for precision, each in machine.rates.items()}
    assert rates == pytest.approx(RATES[name])
    size, bandwidth = MEMORIES[name]
    assert machine.memory.size == size
    assert machine.memory.bandwidth == pytest.approx(bandwidth * 1e9)
    assert list(machine.links) == list(LINKS[name])
    both_ways = {link: each.bandwidth * 2 / 1e9 for link, each in machine.links.items()}
    assert both_ways == pytest.approx(LINKS[name])


@pytest.mark.parametrize("name", known_machines())
def test_the_file_is_of_a_data_sheet_and_names_it(name: str) -> None:
    machine = read_machine(name)
    assert not machine.measured
    assert machine.origin == "from the data sheet, not measured"
    assert "https://" in machine.source


def test_a_data_sheet_has_one_rate_for_all_kinds_of_work() -> None:
    machine = read_machine("a100")
    assert machine.rate("convolution", "bfloat16") == machine.rate("product", "bfloat16") == 312e12
    assert machine.bandwidth("pool", "bfloat16") == 2039e9
    assert read_machine("v100").rate("product", "bfloat16") is None
