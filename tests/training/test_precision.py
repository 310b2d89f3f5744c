"""`precision: auto`: bfloat16 where the device multiplies it faster, and the run says so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cnnkit.errors import UsageError
from cnnkit.network.kernels import onednn, processor
from cnnkit.selection.recipe import recipe as repeatable
from cnnkit.spec.model.training import Train
from cnnkit.spec.reading import load
from cnnkit.training.prepare import precision
from cnnkit.training.prepare.precision import chosen_precision
from cnnkit.training.run import train
from cnnkit.training.view.display import Quiet


class Noted(Quiet):
    """What a display is told."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@dataclass(frozen=True)
class Device:
    """As much of JAX's device as is asked for."""

    platform: str
    device_kind: str = ""
    compute_capability: str | None = None


def chosen(device: Device, asked: str = "auto", together: int = 1) -> tuple[str, list[str]]:
    display = Noted()
    recipe = Train.model_validate({"precision": asked})
    taken = chosen_precision(recipe, device, display, together=together)
    return taken.precision, display.notes


@pytest.mark.parametrize(
    ("device", "taken", "said"),
    [
        (
            Device("gpu", "NVIDIA H200", "9.0"),
            "bfloat16",
            "NVIDIA H200 multiplies bfloat16 faster",
        ),
        (Device("gpu", "Tesla T4", "7.5"), "float32", "Tesla T4 has no units for bfloat16"),
        (Device("gpu", "MI300X", "gfx942"), "bfloat16", "MI300X multiplies bfloat16 faster"),
        (Device("tpu", "TPU v5e"), "bfloat16", "TPU v5e multiplies bfloat16 faster"),
    ],
)
def test_accelerators(device: Device, taken: str, said: str) -> None:
    assert chosen(device) == (taken, [f"precision {taken}: {said}"])


@pytest.mark.parametrize(
    ("instructions", "reason", "taken", "said"),
    [
        (
            {"avx512f"},
            "",
            "float32",
            "this processor has no instructions for bfloat16 (AVX512-BF16 or AMX)",
        ),
        ({"avx512_bf16"}, "", "bfloat16", "this processor multiplies it faster, by oneDNN"),
        ({"amx_bf16"}, "", "bfloat16", "this processor multiplies it faster, by oneDNN"),
        (
            {"amx_bf16"},
            "the extension is not built: `cnnkit doctor --build`",
            "float32",
            (
                "only oneDNN multiplies bfloat16 faster on this processor, and the extension is "
                "not built: `cnnkit doctor --build`"
            ),
        ),
    ],
)
def test_processors(
    monkeypatch: pytest.MonkeyPatch, instructions: set[str], reason: str, taken: str, said: str
) -> None:
    monkeypatch.setattr(processor, "instructions", lambda: frozenset(instructions))
    state = onednn.Availability(not reason, True, reason)
    monkeypatch.setattr(precision.onednn, "load", lambda: state)  # type: ignore[attr-defined]
    assert chosen(Device("cpu")) == (taken, [f"precision {taken}: {said}"])


def test_devices_of_a_processor_that_train_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are without oneDNN, and by XLA bfloat16 is slower."""
    monkeypatch.setattr(processor, "instructions", lambda: frozenset({"amx_bf16"}))
    state = onednn.Availability(True, True, "")
    monkeypatch.setattr(precision.onednn, "load", lambda: state)  # type: ignore[attr-defined]
    said = (
        "precision float32: only oneDNN multiplies bfloat16 faster on this processor, and its "
        "operations cannot be divided among 2 devices"
    )
    assert chosen(Device("cpu"), together=2) == ("float32", [said])
    assert chosen(Device("gpu", "NVIDIA H200", "9.0"), together=2)[0] == "bfloat16"


@pytest.mark.parametrize("asked", ["float32", "bfloat16"])
def test_what_is_said_stays(asked: str) -> None:
    assert chosen(Device("tpu"), asked) == (asked, [])


def test_the_description_of_a_processor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = tmp_path / "cpuinfo"
    text.write_text(
        "processor\t: 0\nflags\t\t: fpu avx2 amx_bf16\n\nprocessor\t: 1\nflags\t: fpu\n"
    )
    monkeypatch.setattr(processor, "_DESCRIPTION", text)
    assert processor.instructions.__wrapped__() == {"fpu", "avx2", "amx_bf16"}
    monkeypatch.setattr(processor, "_DESCRIPTION", tmp_path / "none")
    assert processor.instructions.__wrapped__() == frozenset()


def spec_of(tmp_path: Path) -> Any:
    return {
        "name": "small",
        "input": "8x8x1",
        "layers": ["flatten", {"dense": {"units": 10}}],
        "train": {"data": "digits", "epochs": 1, "precision": "auto"},
    }


def test_a_run_keeps_what_was_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(precision, "_multiplies_faster", lambda device: (True, "for this test"))
    display = Noted()
    result = train(spec_of(tmp_path), run_dir=tmp_path / "run", display=display)
    assert "precision bfloat16: for this test" in display.notes
    assert "precision: bfloat16}" in (result.path / "spec.yaml").read_text()


def test_runs_that_are_compared_say_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        repeatable(load(spec_of(tmp_path)))
    assert str(caught.value) == (
        "`precision: auto` is chosen by the machine, and all runs that are compared need the same: "
        "write `float32` or `bfloat16`, or give one by `--set train.precision=bfloat16`"
    )
