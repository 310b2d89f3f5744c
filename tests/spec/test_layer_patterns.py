"""The fields of `train:` that name layers: what they mean, what they must not say."""

from __future__ import annotations

import pytest

from cnnkit.analysis import analyze
from cnnkit.errors import Finding
from cnnkit.spec.layer_patterns import frozen, multiple, names
from cnnkit.spec.model.training import Train
from cnnkit.spec.reading import load, read_from_text
from tests.spec.test_training_section import fault

NETWORK = """\
input: 8x8x1
layers:
  - {name: stem, conv: {filters: 4, kernel: 3, activation: relu}}
  - {name: stage1, repeat: {times: 2, layers: [{conv: {filters: 4, kernel: 1}}]}}
  - {name: stage2, residual: {layers: [{conv: {filters: 4, kernel: 1}}]}}
  - flatten
  - {name: head, dense: {units: 3}}
train:
"""


def found(section: str) -> Finding:
    """The one finding of a network's recipe, of the text between guillemets."""
    text = NETWORK + section
    start = text.index("«")
    reading = read_from_text(text.replace("«", "").replace("»", ""), "spec.yaml")
    assert reading.spec is not None
    (finding,) = analyze(reading.spec).findings
    assert finding.location is not None
    before = text[:start]
    at = (before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)
    assert (finding.location.line, finding.location.column) == at, finding
    assert finding.level == "error"
    return finding


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("layers.stem", "layers.stem", True),
        ("layers.stage2", "layers.stage2.bottleneck[1].layers.0", True),
        ("layers.stage*", "layers.stage2.bottleneck[1].layers.0", True),
        ("layers.stage2.bottleneck[1]", "layers.stage2.bottleneck[1].layers.0", True),
        ("*.conv", "layers.3.layers.conv", True),
        ("layers", "layers.0", True),
        ("layers.1", "layers.10", False),
        ("layers.stage2.bottleneck[1]", "layers.stage2.bottleneck1", False),
        ("stem", "layers.stem", False),
        ("layers.stem.0", "layers.stem", False),
        ("layers.s.em", "layers.stem", False),
    ],
)
def test_a_pattern_names_a_layer_and_what_is_inside(
    pattern: str, path: str, expected: bool
) -> None:
    assert names(pattern, path) is expected


def test_frozen_paths_and_multiples() -> None:
    train = Train(
        freeze=["layers.stem", "layers.stage*"],
        learning_rate={"constant": 0.1, "layers": {"layers*": "0.1x", "layers.head": "1e1x"}},
    )
    paths = ["layers.stem", "layers.stage1[0].conv", "layers.head"]
    assert frozen(train, paths) == {"layers.stem", "layers.stage1[0].conv"}
    assert [multiple(train.learning_rate.layers, path) for path in (*paths, "head")] == [
        0.1, 0.1, 10, 1
    ]  # fmt: skip
    assert frozen(None, paths) == frozen(Train(freeze=[]), paths) == frozenset()


def test_the_section_is_written_as_it_was_read() -> None:
    text = NETWORK + (
        "  init: runs/before\n  freeze: [layers.stem, 'layers.stage*']\n  unfreeze: {at: 5}\n"
        "  learning_rate: {constant: 0.01, layers: {layers.head: 10x}}\n"
    )
    spec = load(text)
    assert analyze(spec).findings == ()
    assert spec.train is not None
    again = load(spec.to_dict())
    assert again.train == spec.train
    assert again.train is not None
    assert again.train.learning_rate.layers == {"layers.head": 10}
    assert again.train.learning_rate.found(0.5).layers == {"layers.head": 10}
    assert again.train != spec.train.model_copy(
        update={"learning_rate": spec.train.learning_rate.with_layers({})}
    )


@pytest.mark.parametrize(
    ("section", "message", "advice"),
    [
        ("freeze: [layers.head, «layers.stm»]", "no layer is at `layers.stm`",
         "did you mean `layers.stem`?"),
        ("freeze: {layers: [«layers.9»]}", "no layer is at `layers.9`",
         "there are `layers.stem`, `layers.stage1`, `layers.stage2`, `layers.3`, `layers.head`"),
        ("freeze: [«layers.3»]", "what is at `layers.3` has no weights",
         ("there are weights at `layers.stem`, `layers.stage1.conv[0]`, `layers.stage1.conv[1]`, "
         "`layers.stage2.layers.0`, `layers.head`")),
        ("learning_rate: {constant: 0.1, layers: {layers.haed: «10x»}}",
         "no layer is at `layers.haed`", "did you mean `layers.head`?"),
        ("freeze: «[layers]»",
         "`freeze` names all layers that have weights, so that none is left to train",
         "leave one out, such as the last, or say when all are trained: `unfreeze: {at: 5}`"),
    ],
)  # fmt: skip
def test_layers_that_are_not_there(section: str, message: str, advice: str) -> None:
    finding = found(f"  {section}\n")
    assert (finding.message, finding.help) == (message, advice)


@pytest.mark.parametrize(
    ("section", "message", "advice"),
    [
        ("freeze: «layers.0»", '`freeze` cannot be "layers.0"',
         'it takes a list of the paths of layers: `[layers.stem, "layers.stage*"]`'),
        ("freeze: {layers: [layers.1], «statistic»: true}", "`freeze` has no field `statistic`",
         "did you mean `statistics`?"),
        ("freeze: [«3»]", "`freeze[0]` cannot be 3",
         ("it takes a list of the paths of layers, `*` for any characters: "
         '`[layers.stem, "layers.stage*"]`')),
        ("unfreeze: «{at: 3}»", ("`unfreeze` says when frozen layers are trained, and no layer is "
         "frozen"), "say which are, `freeze: [layers.stem]`, or leave `unfreeze` out"),
        ("learning_rate: «{layers: {layers.1: 10x}}»",
         "`learning_rate` has multiples for `layers`, and no rate that they multiply",
         "write it beside them: `{constant: 0.01, layers: {layers.head: 10x}}`"),
        ("learning_rate: {constant: 0.1, layers: «[10x]»}", '`layers` is ["10x"], not a mapping',
         "write multiples of the rate by the paths of layers: `{layers.head: 10x}`"),
        ("learning_rate: {constant: 0.1, layers: {layers.1: «10»}}",
         "`layers.1` has 10, which is no multiple of the rate", "write `10x`"),
        ("learning_rate: {constant: 0.1, layers: {layers.1: «0x»}}",
         '`layers.1` has "0x", which is no multiple of the rate',
         "layers that are not to be trained stand in `freeze`"),
        ("learning_rate: {constant: 0.1, layers: {layers.1: «fast»}}",
         '`layers.1` has "fast", which is no multiple of the rate',
         "write one above 0, such as `10x` or `0.1x`"),
        ("optimizer: schedule_free_adamw, freeze: [layers.1], unfreeze: «{at: 3}»",
         ("`schedule_free_adamw` averages over all its steps by one rate, and `unfreeze` gives "
         "parts of the network another"),
         "leave `unfreeze` out, or take another optimizer, such as `adamw`"),
    ],
)  # fmt: skip
def test_what_the_section_must_not_say(section: str, message: str, advice: str) -> None:
    finding = fault(f"train: {{{section}}}\n")
    assert (finding.message, finding.help) == (message, advice)
