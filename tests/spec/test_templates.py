from __future__ import annotations

from pathlib import Path

import pytest

from cnnkit import templates
from cnnkit.analysis import analyze
from cnnkit.errors import UsageError
from cnnkit.rules import LEVELS, OFF_BY_DEFAULT, applied
from cnnkit.spec.reading import read_from_text

FOLDER = Path(templates.__file__).parent


def test_each_file_of_the_folder_is_a_template() -> None:
    assert set(templates.names()) == {path.stem for path in FOLDER.glob("*.yaml")}
    assert {"minimal", "lenet", "vgg", "resnet", "u-net", "mobilenet"} < set(templates.names())
    assert {"signal-1d", "volume-3d", "digits", "two-input", "siamese"} < set(templates.names())


@pytest.mark.parametrize("name", templates.names())
def test_a_template_has_no_findings(name: str) -> None:
    spec, findings = read_from_text(templates.text(name), f"{name}.yaml")
    assert spec is not None
    assert not findings
    analysis = analyze(spec)
    assert not analysis.findings
    assert not applied(analysis, set(LEVELS) - OFF_BY_DEFAULT)


@pytest.mark.parametrize("name", templates.names())
def test_a_template_teaches(name: str) -> None:
    text = templates.text(name)
    first, *lines = text.splitlines()
    assert first.startswith("# ")
    assert first.endswith(".")
    assert sum("#" in line for line in lines) >= 5
    spec, _ = read_from_text(text, name)
    assert spec is not None
    assert spec.name == name
    assert spec.expect is not None
    assert spec.expect.output
    assert spec.expect.parameters


def test_the_template_digits_says_how_to_train() -> None:
    spec, _ = read_from_text(templates.text("digits"), "digits")
    assert spec is not None
    assert spec.train
    assert spec.train.data == "digits"


def test_an_unknown_template_is_a_wrong_call() -> None:
    with pytest.raises(UsageError, match=r"no template resnt; did you mean resnet\?"):
        templates.text("resnt")
    with pytest.raises(UsageError, match="no template xyz; there are digits, lenet, minimal"):
        templates.text("xyz")
    with pytest.raises(UsageError):
        templates.text("../zoo/lenet-5")
