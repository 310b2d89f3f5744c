"""The schema in an editor: what the YAML language server makes of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnnkit import templates
from cnnkit.layers import FAMILIES, KINDS, layer_class
from cnnkit.layers.kinds import DEPRECATED
from cnnkit.rules import LEVELS
from cnnkit.spec.language.faults import field_names
from cnnkit.spec.model.spec import SECTIONS
from cnnkit.spec.schema.document import schema
from tests.spec.language_client import Client

ROOT = Path(__file__).parents[2]
SERVER = shutil.which("yaml-language-server")

pytestmark = pytest.mark.skipif(
    SERVER is None, reason="no yaml-language-server on the PATH: npm install yaml-language-server"
)

OFFERED = set(KINDS) - set(DEPRECATED)  # an editor reads the old, and offers the new

HEADER = "# yaml-language-server: $schema=cnnkit.schema.json\n"
LAYERS = HEADER + "input: 8x8x1\nlayers:\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("workspace")
    text = json.dumps(schema(LEVELS))
    (folder / "cnnkit.schema.json").write_text(text, encoding="utf-8")
    client = Client([str(SERVER)], folder)
    yield client
    client.close()


@pytest.mark.parametrize(
    "text",
    [
        "  - |\n",
        "  - relu\n  - |\n  - relu\n",
        "  - c|\n",
        "  - residual:\n      layers:\n        - |\n",
        "  - residual:\n      layers: [relu]\n      shortcut:\n        - |\n",
        "  - parallel:\n      branches:\n        - - |\n",
        "  - parallel:\n      branches:\n        left:\n          - |\n",
        "  - relu\nblocks:\n  unit:\n    layers:\n      - |\n",
    ],
)
def test_completes_kinds_where_a_layer_begins(server: Client, text: str) -> None:
    assert set(server.completion(LAYERS + text)) == {*OFFERED, "name", "when"}


@pytest.mark.parametrize("text", ["  - {when: $deep, c|}\n", "  - {name: stem, c|}\n"])
def test_completes_kinds_beside_name_and_when(server: Client, text: str) -> None:
    assert OFFERED <= set(server.completion(LAYERS + text)) < {*OFFERED, "name", "when"}


def test_inserts_a_kind_with_the_fields_it_needs(server: Client) -> None:
    offered = server.completion(LAYERS + "  - |\n")
    assert offered["conv"] == "conv: {filters: $1, kernel: $2}"
    assert offered["flatten"] == "flatten"
    assert offered["save"] == "save: "
    assert offered["residual"] == "residual:\n    layers:\n      - "
    assert offered["repeat"] == "repeat:\n    times: $1\n    layers:\n      - $2"


@pytest.mark.parametrize(
    "text",
    [
        "  - conv: {f|}\n",
        "  - conv:\n      |\n",
        "  - {name: stem, conv: {f|}}\n",
        "  - residual:\n      layers:\n        - conv:\n            |\n",
        "  - relu\ndefaults: {conv: {f|}}\n",
        "  - relu\ndefaults:\n  conv:\n    |\n",
    ],
)
def test_completes_the_fields_of_a_kind(server: Client, text: str) -> None:
    assert set(server.completion(LAYERS + text)) == set(field_names(layer_class("conv")))


def test_completes_no_field_that_is_there(server: Client) -> None:
    block = server.completion(LAYERS + "  - conv:\n      filters: 3\n      |\n")
    flow = server.completion(LAYERS + "  - conv: {filters: 3, k|}\n")
    assert set(block) == set(flow) == set(field_names(layer_class("conv"))) - {"filters"}
    assert block["stride"] == "stride: ${1:1}"
    assert block["kernel"] == "kernel: "


def test_completes_values(server: Client) -> None:
    assert set(server.completion(LAYERS + "  - conv: {padding: |}\n")) == {
        "valid",
        "same",
        "causal",
    }
    assert set(server.completion(LAYERS + "  - conv: {bias: |}\n")) == {"true", "false"}
    activations = set(server.completion(LAYERS + "  - conv: {activation: |}\n"))
    assert set(FAMILIES["activation"]) <= activations
    rules = server.completion(LAYERS + "  - relu\nrules:\n  ignore:\n    - |\n")
    assert set(rules) == set(LEVELS)


TRAIN = HEADER + "input: 8x8x1\nlayers: [relu]\ntrain:\n"


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("  optimizer: |\n", {"sgd", "adam", "muon"}),
        ("  optimizer: {s|}\n", {"sgd", "adam", "muon"}),
        ("  optimizer: {sgd: {m|}}\n", {"momentum", "nesterov", "weight_decay"}),
        ("  optimizer:\n    sgd:\n      |\n", {"momentum", "nesterov", "weight_decay"}),
        ("  learning_rate: {cosine: {p|}}\n", {"peak", "warmup", "end"}),
        ("  augment:\n    - |\n", {"flip", "shift", "mixup", "color"}),
        ("  augment:\n    - {f|}\n", {"flip", "shift", "mixup", "color"}),
        ("  augment:\n    - flip: |\n", {"horizontal", "vertical", "both"}),
        ("  data: |\n", {"digits", "mnist", "cifar10"}),
        ("  data: {i|}\n", {"images", "arrays", "csv"}),
        ("  split:\n    |\n", {"validation", "test", "stratify"}),
        ("  precision: |\n", {"float32", "bfloat16", "auto"}),
    ],
)
def test_completes_the_parts_of_training(server: Client, text: str, offered: set[str]) -> None:
    assert offered <= set(server.completion(TRAIN + text))


def test_completes_sections(server: Client) -> None:
    assert set(server.completion(HEADER + "|\n")) == set(SECTIONS)
    assert "input" not in server.completion(HEADER + "input: 8x8x1\n|\n")
    assert "macs" in server.completion(HEADER + "input: 8x8x1\nbudget:\n  |\n")
    assert "learning_rate" in server.completion(HEADER + "input: 8x8x1\ntrain:\n  |\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  - co|nv: {filters: 3, kernel: 3}\n", ("#### conv", "A convolution", "**`filters`**")),
        ("  - {when: $deep, re|lu: {}}\n", ("#### relu", "max(0, x)")),
        ("  - re|lu\n", ("max(0, x)",)),
        ("  - conv: {fil|ters: 3, kernel: 3}\n", ("#### filters", "number of output channels")),
        ("  - conv: {filters: 3, kernel: 3, st|ride: 2}\n", ("Default: `1`",)),
        ("  - conv: {filters: 3, kernel: 3, pad|ding: same}\n", ("Default: `valid`", "* `same`")),
        ("  - conv: {filters: 3, ker|nel: [3, 3]}\n", ("#### kernel", "Extent of the filter")),
        ("  - conv: {filters: 3, kernel: 3, activation: ta|nh}\n", ("#### tanh",)),
        ("  - {wh|en: $deep, relu: {}}\n", ("#### when", "where it is false")),
        ("  - relu\nexp|ect: {parameters: 3}\n", ("must come out",)),
        ("  - relu\ntrain: {ep|ochs: 3}\n", ("How often all training examples are seen",)),
        ("  - relu\ntrain: {loss: fo|cal}\n", ("Cross-entropy that weighs down",)),
        (
            "  - relu\ntrain: {optimizer: {sgd: {mom|entum: 0.9}}}\n",
            ("the last step that is kept",),
        ),
    ],
)
def test_explains_what_the_mouse_is_over(server: Client, text: str, said: tuple[str, ...]) -> None:
    shown = server.hover(LAYERS + text)
    assert all(words in shown for words in said), shown
    assert "||" not in shown  # the texts of several alternatives, run together


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            "  - conv: {fliters: 3, kernel: 3}\n",
            [
                ("fliters", "Property fliters is not allowed."),
                ("conv", 'Missing property "filters".'),
            ],
        ),
        ("  - covn: {filters: 3, kernel: 3}\n", [("covn", "did you mean the kind `conv`?")]),
        ("  - flaten\n", [("flaten", "did you mean the kind `flatten`?")]),
        ("  - MaxPool2d: {size: 2}\n", [("MaxPool2d", "did you mean the kind `max_pool`?")]),
        (
            "  - residual: {layers: [batchnorm]}\n",
            [("batchnorm", "did you mean the kind `batch_norm`?")],
        ),
        ("  - conv\n", [("conv", "this kind needs fields: `- conv: {filters: 8, kernel: 3}`")]),
        (
            "  - conv: 3\n",
            [("3", "the fields of conv belong here: {filters: …, kernel: …}")],
        ),
        (
            "  - dense: {units: many}\n",
            [("many", "`units` takes a whole number above 0")],
        ),
        ("  - dense: {units: 0}\n", [("0", "Value is below the exclusive minimum of 0.")]),
        (
            "  - dense: {units: 3, activation: rleu}\n",
            [
                ("rleu", "an activation is a kind, `relu`, or one with fields, `{leaky_relu: "),
            ],
        ),
        (
            "  - dense: {units: 3, use_bias: false}\n",
            [("false", "here it is `bias`")],
        ),
        (
            "  - dense: {units: 3, name: scores}\n",
            [("scores", "it stands beside the kind: `- {name: …, dense: {…}}`")],
        ),
        (
            "  - {relu: {}, tanh: {}}\n",
            [("{relu: {}, tanh: {}}", "Object has more properties than limit of 1.")],
        ),
        ("  - relu\nbudget: {macs: 3Q}\n", [("3Q", "`macs` takes a whole number, also with a")]),
        (
            "  - relu\ntrain: {optimizer: {sgd: {momentm: 0.9}}}\n",
            [("momentm", "Property momentm is not allowed.")],
        ),
        (
            "  - relu\ntrain: {optimizer: adm}\n",
            [("adm", "write one by its name: `adam`, or by its name with fields")],
        ),
        (
            "  - relu\ntrain: {augment: [{flip: sideways}]}\n",
            [("sideways", "`direction` takes `horizontal`, `vertical` or `both`")],
        ),
        ("  - relu\ninptu: 3\n", [("inptu", "Property inptu is not allowed.")]),
    ],
)
def test_says_what_is_wrong_once(
    server: Client, text: str, problems: list[tuple[str, str]]
) -> None:
    found = server.problems(LAYERS + text)
    assert [
        (word, said[: len(message)])
        for (word, said), (_, message) in zip(found, problems, strict=True)
    ] == problems


@pytest.mark.parametrize(
    "text",
    [
        "  - conv: {filters: $width, kernel: [$k, 3], stride: $(a // 2), padding: $p, bias: $b}\n",
        "  - conv:\n      filters: $(4 * width)\n      kernel: 3\n      activation: $activation\n",
        "  - {name: stage$index, when: $deep, relu: {}}\n  - {when: true, batch_norm}\n",
        "  - bottleneck\n  - unit: {width: 64, depths: [3, 4]}\n  - {name: a, unit: {width: 64}}\n",
        "  - conv1: {filters: 3}\n  - stem\n  - head1\n  - read\n  - convs\n",
        "  - conv: {filters: 3}\ndefaults: {conv: {kernel: 3}}\n",
        "  - parallel: {branches: {left: [], right: {when: $deep, layers: [relu]}}}\n",
    ],
)
def test_keeps_quiet_where_only_the_spec_can_know(server: Client, text: str) -> None:
    assert server.problems(LAYERS + text) == []


def test_finds_nothing_in_our_specs(server: Client) -> None:
    paths = [*ROOT.glob("specs/**/*.yaml"), *ROOT.glob("tests/golden/ok/*.yaml")]
    texts = {path.name: path.read_text(encoding="utf-8") for path in paths}
    texts |= {name: templates.text(name) for name in templates.names()}
    opened = {name: server.open(HEADER + text) for name, text in texts.items()}
    found = {
        name: problems for name, uri in opened.items() if (problems := server.problems_of(uri))
    }
    assert not found
    assert len(opened) > 80
