"""What the page is told of a spec, and what a click changes in its text."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cnnkit.exercises import TOPICS
from cnnkit.playground.calculator import QUESTIONS, answer
from cnnkit.playground.calculator.fixes import applied
from tests.playground.asking import SPECS, ask, lecture

TEXT = """\
variables: {k: 3} # of all
input: 9x9x1
layers:
  - conv: {filters: 2, kernel: $k} # first
  - relu
  - max_pool:
      size: 2 # two
      rounding: floor
"""


def changed(text: str, path: str, field: str, value: str, index: int | None = None) -> str:
    edits = ask("change", text=text, path=path, field=field, value=value, index=index)
    return applied(text, edits)


def test_the_account_of_the_lectures_network() -> None:
    found = ask("account", text=lecture("rgb-valid-4-classes"))
    assert found["flow"] == "32x32x3 → 4"
    first = found["rows"][0]
    assert (first["path"], first["output"], first["neurons"]) == ("layers.0", "26x26x3", "2,028")
    assert (first["parameters"], first["field"], first["line"]) == ("441", "7x7", 6)
    assert first["shares"]["parameters"] == 8.6  # 441 of 5,100
    figures = {figure["label"]: figure["value"] for figure in found["figures"]}
    assert figures["parameters"] == "5,100"
    assert "<svg" in found["drawing"]


def test_what_is_no_spec_has_findings_alone() -> None:
    found = ask("account", text="layers: [")
    assert found["rows"] == []
    assert found["drawing"] is None
    assert found["findings"][0]["level"] == "error"
    assert ask("layer", text="layers: [", path="layers.0") is None
    assert ask("differences", old="layers: [", new=TEXT) is None


def test_a_hostile_name_is_text() -> None:
    text = 'name: "<script>alert(1)</script>"\ninput: 4\nlayers:\n  - dense: {units: 2}'
    found = ask("account", text=text)
    assert found["title"] == "<script>alert(1)</script>"
    assert "<script" not in found["drawing"]
    assert "<script" not in ask("download", text=text, kind="svg")["text"]
    assert "<script" not in ask("download", text=text, kind="html")["text"]


@pytest.mark.parametrize(
    ("path", "field", "value", "line"),
    [
        ("layers.0", "kernel", "5", "variables: {k: 5} # of all"),
        ("layers.0", "filters", "7", "  - conv: {filters: 7, kernel: $k} # first"),
        ("layers.0", "stride", "2", "  - conv: {filters: 2, kernel: $k, stride: 2} # first"),
        ("layers.2", "size", "3", "      size: 3 # two"),
        ("layers.2", "stride", "1", "      stride: 1"),
        ("layers.1", "slope", "1", "  - relu: {slope: 1}"),
    ],
)
def test_a_number_is_changed_where_it_stands(path: str, field: str, value: str, line: str) -> None:
    new = changed(TEXT, path, field, value).splitlines()
    assert line in new
    # All else is as it was.
    assert len(set(TEXT.splitlines()) - set(new)) <= 1


def test_an_entry_of_a_list_is_changed_alone() -> None:
    text = "input: 9x9x1\nlayers:\n  - conv: {filters: 1, kernel: [3, 5]}\n"
    assert "kernel: [3, 7]" in changed(text, "layers.0", "kernel", "7", 1)


def test_an_argument_of_a_block_is_not_the_variable_of_its_name() -> None:
    text = (
        "variables: {k: 3}\ninput: 9x9x1\nblocks:\n  b:\n    arguments: {k: 5}\n    layers:\n"
        "      - conv: {filters: 1, kernel: $k}\nlayers: [b]\n"
    )
    (path,) = [row["path"] for row in ask("account", text=text)["rows"] if row["kind"] == "conv"]
    assert ask("change", text=text, path=path, field="kernel", value="1") == []
    (kernel,) = [
        each for each in ask("layer", text=text, path=path)["controls"] if each["field"] == "kernel"
    ]
    assert (kernel["how"], kernel["text"], kernel["value"]) == ("expression", "$k", 5)


def labels(text: str) -> list[str]:
    count = len(ask("account", text=text)["findings"])
    return [
        fix["label"] for number in range(count) for fix in ask("fixes", text=text, finding=number)
    ]


def test_each_fix_that_is_offered_cures_its_finding() -> None:
    text = "input: 7x7x1\nlayers:\n  - conv: {filters: 1, kernel: 3, stride: 3} # keep me\n"
    fixes = ask("fixes", text=text, finding=0)
    assert ask("fixes", text=text, finding=99) == []
    assert [fix["label"] for fix in fixes][:3] == [
        "stride: 2 → 3",
        "stride: 4 → 2",
        "stride: 1 → 5",
    ]
    assert "rounding: floor → 2" in [fix["label"] for fix in fixes]
    for fix in fixes:
        after = applied(text, fix["edits"])
        assert after.endswith("# keep me\n")
        assert [
            each for each in ask("account", text=after)["findings"] if each["level"] == "error"
        ] == []


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("input: 7x7x1\nlayers:\n  - cnov: {filters: 1, kernel: 3}\n", "conv"),
        ("input: 7x7x1\nlayers:\n  - conv: {filters: 1, kernl: 3}\n", "kernel"),
        ("input: 7x7x1\nlayers:\n  - dense: {units: 3}\n", "flatten"),
        ("input: 7x7x1\nlayers:\n  - relu\n  - dropout: {rate: 0}\n", ""),
    ],
)
def test_a_slip_has_its_fix(text: str, label: str) -> None:
    assert label in labels(text)


def test_formulas_have_their_values_put_in() -> None:
    found = ask("layer", text=lecture("rgb-valid-4-classes"), path="layers.0")
    lines = dict(found["formulas"][0]["lines"])
    assert lines["height and width"] == "(D−F)/S+1 = (32−7)/1+1 = 26"
    assert lines["parameters"] == "filters×F×F×channels = 3×7×7×3 = 441"
    assert found["walks"] is True


def seen(text: str, path: str, *cell: int) -> Any:
    return ask("layer", text=text, path=path, cell=cell)["sees"]


def test_what_a_cell_sees() -> None:
    """A kernel of 3 with stride 2 and one of 3 behind it see 3 + 2·2 = 7 cells, 2 apart."""
    text = (
        "input: 21x1\nlayers:\n  - conv: {filters: 1, kernel: 3, stride: 2}\n"
        "  - conv: {filters: 1, kernel: 3}\n"
    )
    assert seen(text, "layers.1", 0)["spans"] == [[0, 6]]
    assert seen(text, "layers.1", 3)["spans"] == [[6, 12]]
    assert seen(text, "layers.1", 99)["cell"] == [7]  # the last of (10 − 3)/1 + 1 = 8
    padded = text.replace("stride: 2", "padding: same")
    assert seen(padded, "layers.0", 0)["spans"] == [[-1, 1]]
    flat = "input: 4x6x1\nlayers: [flatten]"
    assert seen(flat, "layers.0")["spans"] == [[0, 3], [0, 5]]
    assert ask("layer", text="input: 4\nlayers: [relu]", path="layers.0")["sees"] is None


def test_two_specs_side_by_side() -> None:
    new = TEXT.replace("filters: 2", "filters: 4")
    found = ask("differences", old=TEXT, new=new)
    assert found["same"] is False
    assert (found["totals"]["parameters"]["old"], found["totals"]["parameters"]["new"]) == (20, 40)
    assert ask("differences", old=TEXT, new=TEXT)["same"] is True


def test_code_and_reports_are_made_or_say_why_not() -> None:
    assert "import torch" in ask("download", text=TEXT, kind="torch")["text"]
    assert ask("download", text=TEXT, kind="svg")["text"].startswith("<svg")
    bad = ask("download", text="input: 4x4x1\nlayers: [{dense: 3}]", kind="torch")
    assert bad["text"] is None
    assert bad["findings"]


def test_every_layer_of_a_large_network_answers() -> None:
    text = (SPECS / "zoo" / "mobilenet-v2.yaml").read_text("utf-8")
    for row in ask("account", text=text, depth=9)["rows"]:
        found = ask("layer", text=text, path=row["path"])
        if found["walks"]:
            assert ask("walk", text=text, path=row["path"])["terms"]


def test_a_question_that_cannot_be_answered_is_no_exception() -> None:
    assert json.loads(answer('{"question": "none"}')) == {"fault": "KeyError: 'none'"}
    assert "fault" in json.loads(answer("["))
    assert "fault" in json.loads(answer('{"question": "account"}'))
    assert set(QUESTIONS) == {
        "account", "fixes", "layer", "change", "walk", "differences", "download", "practice"
    }  # fmt: skip


def asked(**details: Any) -> Any:
    """What practice says; of seed 4, level 1 of `parameters` the filters are asked for."""
    return ask(
        "practice",
        **{"topic": "parameters", "level": 1, "seed": 4, "language": "en", "given": {}, **details},
    )


def test_practice_asks_the_same_of_the_same_seed() -> None:
    found = asked()
    assert found == asked()
    assert found["text"] != asked(seed=5)["text"]
    numbers = [int(each) for each in re.findall(r"\d+", found["text"])]
    filters, kernel, _, channels = numbers  # of 3 filters with a kernel of 7×7, over 8 channels
    assert found["steps"] == [
        {
            "shown": f"{filters}×{kernel}×{kernel}×{channels} + {filters} =",
            "asked": True,
            "right": None,
        }
    ]
    assert found["answer"] is None
    assert found["worked"] == []


def test_practice_judges_each_number() -> None:
    filters, kernel, _, channels = (int(each) for each in re.findall(r"\d+", asked()["text"]))
    weights = filters * kernel**2 * channels
    right = asked(given={"answer": f"{weights + filters:,}", "0": str(weights)})
    assert right["answer"] == {"right": True, "number": True, "feedback": None}
    assert right["worked"] == [
        f"{filters}×{kernel}×{kernel}×{channels} + {filters} = {weights + filters:,}"
    ]
    assert right["steps"][0]["right"] is False
    forgotten = asked(given={"answer": str(weights), "0": str(weights + filters)})
    assert forgotten["answer"]["feedback"] == "The biases are forgotten."
    assert forgotten["steps"][0]["right"] is True
    assert asked(given={"answer": "many"})["answer"] == {
        "right": False, "number": False, "feedback": None,
    }  # fmt: skip
    assert asked(told=True)["worked"] == right["worked"]


def test_practice_in_french() -> None:
    found = asked(topic="metrics", language="fr", given={"answer": "0,5"})
    assert found["topics"][0] == {"name": "sizes", "said": "tailles"}
    assert found["text"].startswith("Un test de dépistage trouve")
    assert found["answer"]["number"] is True


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("topic", TOPICS)
def test_each_step_of_each_topic_is_right_by_its_own_number(topic: str, level: int) -> None:
    worked = asked(topic=topic, level=level, told=True)["worked"]
    values = [re.split(r", (?=[a-z])", line)[0].rpartition(" = ")[2] for line in worked]
    given = {str(number): value for number, value in enumerate(values)}
    steps = asked(topic=topic, level=level, given=given)["steps"]
    assert [step["right"] for step in steps] == [True if step["asked"] else None for step in steps]
    assert any(step["asked"] for step in steps)
    wrong = dict.fromkeys(given, "123456")
    steps = asked(topic=topic, level=level, given=wrong)["steps"]
    assert not any(step["right"] for step in steps)
