"""`extends:`: what is taken over, and that no path leads out of the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

import cnnkit
from cnnkit.errors import Finding
from cnnkit.spec.model.training import Train
from cnnkit.spec.reading import read, read_from_text
from tests.spec.marked import only

BASE = """\
name: base
input: 8x8x1
rounding: floor
variables: {width: 4, depth: 1}
defaults: {conv: {bias: false}}
blocks:
  unit: {arguments: {n: $width}, layers: [{conv: {filters: $n, kernel: 1}}]}
layers:
  - repeat: {times: $depth, layers: [unit]}
expect: {parameters: 4}
budget: {parameters: 1k}
rules: {ignore: [large-dense]}
train: {epochs: 5, optimizer: {sgd: {momentum: 0.9}}}
search: {variables.width: [4, 8]}
"""


def folder(tmp_path: Path, **specs: str) -> Path:
    for name, text in specs.items():
        path = tmp_path / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def findings(path: Path) -> list[Finding]:
    return list(read(path).findings)


def test_a_spec_says_what_differs(tmp_path: Path) -> None:
    here = folder(tmp_path, base=BASE, own="extends: base.yaml\nvariables: {depth: 3}\n")
    spec = cnnkit.load(here / "own.yaml")
    assert cnnkit.analyze(spec).totals.parameters == 4 + 16 + 16
    assert spec.rounding == "floor"
    assert spec.rules.ignore == ("large-dense",)
    assert spec.train == Train(epochs=5, optimizer={"sgd": {"momentum": 0.9}})


def test_what_speaks_of_the_one_network_is_not_taken_over(tmp_path: Path) -> None:
    here = folder(tmp_path, base=BASE, own="extends: base.yaml\n")
    spec = cnnkit.load(here / "own.yaml")
    assert (spec.name, spec.expect, spec.budget, spec.search) == (None, None, None, None)


def test_variables_defaults_blocks_and_train_are_joined_the_rest_is_replaced(
    tmp_path: Path,
) -> None:
    own = """\
extends: base.yaml
name: own
input: 9x9x1
variables: {more: 2}
defaults: {relu6: {}}
blocks: {other: {layers: [relu]}}
layers: [{unit: {n: $more}}, other]
rules: {error: [a]}
train: {epochs: 1}
"""
    spec = cnnkit.load(folder(tmp_path, base=BASE, own=own) / "own.yaml")
    analysis = cnnkit.analyze(spec)
    assert analysis.output == (9, 9, 2)
    assert analysis.totals.parameters == 2
    assert (spec.name, spec.rules.ignore, spec.rules.error) == ("own", (), ("a",))
    assert spec.train == Train(epochs=1, optimizer={"sgd": {"momentum": 0.9}})


def test_a_chain_of_specs(tmp_path: Path) -> None:
    here = folder(
        tmp_path,
        base=BASE,
        middle="extends: base.yaml\nvariables: {depth: 2}\n",
        own="extends: middle.yaml\nvariables: {width: 8}\n",
    )
    assert cnnkit.analyze(cnnkit.load(here / "own.yaml")).totals.parameters == 8 + 64


def test_a_spec_in_a_folder_below_is_found_from_its_own_place(tmp_path: Path) -> None:
    here = folder(
        tmp_path,
        base=BASE,
        parts__middle="extends: ../base.yaml\n",
        own="extends: parts/middle.yaml\n",
    )
    assert cnnkit.load(here / "own.yaml").input == (8, 8, 1)


@pytest.mark.parametrize(
    "name", ["../base.yaml", "/etc/passwd", "sub/../../base.yaml", "link.yaml", "~/x.yaml"]
)
def test_no_path_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    folder(tmp_path, base=BASE, inner__own=f"extends: {name}\nlayers: [relu]\n")
    (tmp_path / "inner" / "link.yaml").symlink_to(tmp_path / "base.yaml")
    found = findings(tmp_path / "inner" / "own.yaml")
    finding = only(found)  # what is missing may stand in the spec that is refused
    assert finding.rule == "unreadable-file"
    if name.startswith("~"):
        assert finding.message == f"`extends: {name}`: there is no such file"
    else:
        assert finding.message == f"`extends: {name}` leads out of the spec's folder"
        assert finding.help == (
            "a spec extends files below its project's folder, the nearest one above it with "
            "cnnkit.toml, pyproject.toml or .git; without one, below its own"
        )
    assert finding.location is not None
    assert (finding.location.line, finding.location.column) == (1, 10)
    assert finding.location.end_column == 10 + len(name)


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    here = folder(tmp_path, base=BASE, own="extends: link.yaml\n")
    (here / "link.yaml").symlink_to(here / "base.yaml")
    assert cnnkit.load(here / "own.yaml").input == (8, 8, 1)


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    folder(tmp_path, real__base=BASE, real__own="extends: base.yaml\n")
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    assert cnnkit.load(tmp_path / "link" / "own.yaml").input == (8, 8, 1)


@pytest.mark.parametrize("name", ["nope.yaml", ".", "parts", "a" * 300, "'a\tb'", '"a\\0b"'])
def test_a_file_that_is_not_there(tmp_path: Path, name: str) -> None:
    here = folder(tmp_path, parts__x=BASE, own=f"extends: {name}\ninput: 8\nlayers: [relu]\n")
    finding = only(findings(here / "own.yaml"))
    assert finding.rule == "unreadable-file"
    assert finding.message.endswith(": there is no such file")
    assert finding.help == "the path is relative to the folder of the spec that names it"
    assert read(here / "own.yaml").spec is not None


@pytest.mark.parametrize("value", ["5", "[base.yaml]", "null", '""', "{file: base.yaml}"])
def test_extends_is_the_name_of_a_file(tmp_path: Path, value: str) -> None:
    here = folder(tmp_path, own=f"extends: {value}\ninput: 8\nlayers: [relu]\n")
    finding = only(findings(here / "own.yaml"))
    assert (finding.rule, finding.message) == (
        "wrong-type",
        "`extends` is not the name of a file",
    )
    assert finding.help == "write `extends: other.yaml`"


@pytest.mark.parametrize(
    ("one", "two"), [("one.yaml", "two.yaml"), ("two.yaml", "two.yaml"), ("two.yaml", "one.yaml")]
)
def test_a_circle_is_refused(tmp_path: Path, one: str, two: str) -> None:
    body = "input: 8\nlayers: [relu]\n"
    here = folder(tmp_path, one=f"extends: {one}\n{body}", two=f"extends: {two}\n{body}")
    finding = only(findings(here / "one.yaml"))
    assert finding.rule == "recursive-extends"
    assert finding.message.endswith("comes back to a file that it started from")
    assert finding.help == "let the chain end in a spec that extends none"


def test_a_circle_of_links_is_no_file(tmp_path: Path) -> None:
    here = folder(tmp_path, own="extends: a.yaml\ninput: 8\nlayers: [relu]\n")
    (here / "a.yaml").symlink_to(here / "b.yaml")
    (here / "b.yaml").symlink_to(here / "a.yaml")
    assert only(findings(here / "own.yaml")).rule == "unreadable-file"


def test_a_long_chain_is_refused(tmp_path: Path) -> None:
    chain = {f"s{i}": f"extends: s{i + 1}.yaml\ninput: 8\nlayers: [relu]\n" for i in range(20)}
    here = folder(tmp_path, **chain, s20="input: 8\nlayers: [relu]\n")
    finding = only(findings(here / "s0.yaml"))
    assert (finding.rule, finding.message) == (
        "too-large",
        "more than 10 specs extend one another",
    )


def test_a_spec_that_is_extended_must_be_a_mapping(tmp_path: Path) -> None:
    here = folder(tmp_path, base="- relu\n", own="extends: base.yaml\ninput: 8\nlayers: [relu]\n")
    finding = only(findings(here / "own.yaml"))
    assert finding.rule == "wrong-type"
    assert finding.message == "`extends: base.yaml`: what is in that file is no mapping, so no spec"


def test_the_faults_of_an_extended_spec_are_shown_in_its_own_text(tmp_path: Path) -> None:
    base = BASE.replace("unit:", "2unit:") + "defults: {}\n"
    own = "extends: base.yaml\nvariables: {a-b: 1}\n"
    here = folder(tmp_path, sub__base=base, own=own.replace("base", "sub/base"))
    places = {
        each.message: (each.location and each.location.file, each.location and each.location.line)
        for each in findings(here / "own.yaml")
    }
    assert places == {
        "a variable cannot be named `a-b`": (str(here / "own.yaml"), 2),
        "a block cannot be named `2unit`": (str(here / "sub" / "base.yaml"), 7),
        "a spec has no section `defults`": (str(here / "sub" / "base.yaml"), 15),
        "there is no kind `unit`": (str(here / "sub" / "base.yaml"), 9),
    }


def test_a_broken_text_that_is_extended(tmp_path: Path) -> None:
    here = folder(tmp_path, base="a: [", own="extends: base.yaml\ninput: 8\nlayers: [relu]\n")
    finding = only(findings(here / "own.yaml"))
    assert finding.rule == "syntax"
    assert finding.location is not None
    assert finding.location.file == str(here / "base.yaml")


def test_a_text_extends_files_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder(tmp_path, base=BASE)
    monkeypatch.chdir(tmp_path)
    reading = read_from_text("extends: base.yaml\n", "<stdin>")
    assert reading.findings == ()
    assert cnnkit.load({"extends": "base.yaml"}).input == (8, 8, 1)
    monkeypatch.chdir("/")
    assert only(list(read_from_text("extends: base.yaml\ninput: 8\nlayers: [relu]", "x").findings))


def test_a_missing_section_is_reported_in_the_spec_itself(tmp_path: Path) -> None:
    here = folder(tmp_path, base="input: 8\n", own="extends: base.yaml\nname: x\n")
    finding = only(findings(here / "own.yaml"))
    assert finding.message == "a spec needs `layers`: the layers, first to last"
    assert finding.location is not None
    assert finding.location.file == str(here / "own.yaml")


def test_overrides_come_last(tmp_path: Path) -> None:
    here = folder(tmp_path, base=BASE, own="extends: base.yaml\nvariables: {depth: 3}\n")
    spec = read(here / "own.yaml", ["variables.depth=1", "variables.width=2"]).spec
    assert spec is not None
    assert cnnkit.analyze(spec).totals.parameters == 2


@pytest.mark.parametrize("mark", ["cnnkit.toml", "pyproject.toml", ".git"])
def test_a_base_in_a_sister_folder_of_the_project(tmp_path: Path, mark: str) -> None:
    here = folder(tmp_path, bases__base=BASE, inner__own="extends: ../bases/base.yaml\n")
    assert only(findings(here / "inner" / "own.yaml")).message.endswith("out of the spec's folder")
    (here / mark).touch()
    assert cnnkit.load(here / "inner" / "own.yaml").input == (8, 8, 1)


def test_no_path_leads_out_of_the_project(tmp_path: Path) -> None:
    here = folder(tmp_path, base=BASE, project__own="extends: ../base.yaml\n")
    (here / "project" / "cnnkit.toml").touch()
    finding = only(findings(here / "project" / "own.yaml"))
    assert finding.message == "`extends: ../base.yaml` leads out of the project's folder"


@pytest.mark.parametrize("own", ["", "input: 8x8x1\n", "layers: [relu]\n"])
def test_a_refused_spec_is_the_one_fault(tmp_path: Path, own: str) -> None:
    here = folder(tmp_path, own=f"extends: nope.yaml\n{own}")
    assert (
        only(findings(here / "own.yaml")).message == "`extends: nope.yaml`: there is no such file"
    )


@pytest.mark.parametrize(
    ("base", "own", "filters"),
    [
        ("{k: 1, width: 4}", "{half: 6, width: $half}", 6),  # the own order, which a parent's broke
        ("{width: 4, other: $(2 * width)}", "{own: 3, width: $own}", 3),
        ("{a: 2, width: $(2 * a)}", "{a: 5}", 10),  # what the parent computes goes on from it
        ("{width: 4}", "{n: 3, m: [$n, 9], width: '$(m[0] + m[1])'}", 12),
    ],
)
def test_variables_of_both_come_after_those_that_they_read(
    tmp_path: Path, base: str, own: str, filters: int
) -> None:
    text = "input: 8x8x1\nlayers: [{conv: {filters: $width, kernel: 1}}]\n"
    here = folder(
        tmp_path,
        base=f"{text}variables: {base}\n",
        own=f"extends: base.yaml\nvariables: {own}\n",
    )
    assert cnnkit.analyze(cnnkit.load(here / "own.yaml")).output == (8, 8, filters)


def test_variables_in_a_circle_are_a_fault(tmp_path: Path) -> None:
    here = folder(
        tmp_path,
        base="input: 8\nvariables: {a: 1, b: $a}\nlayers: [{dense: {units: $b}}]\n",
        own="extends: base.yaml\nvariables: {a: $b}\n",
    )
    found = findings(here / "own.yaml")
    assert {each.rule for each in found} == {"invalid-expression"}
    assert "there is no variable `b`" in [each.message for each in found]


def test_a_thousand_variables_that_read_the_next(tmp_path: Path) -> None:
    chain = ", ".join(f"v{n}: $v{n + 1}" for n in range(2000))
    here = folder(
        tmp_path,
        base="input: 8\nvariables: {v0: 1}\nlayers: [{dense: {units: $v0}}]\n",
        own=f"extends: base.yaml\nvariables: {{{chain}, v2000: 7}}\n",
    )
    assert cnnkit.analyze(cnnkit.load(here / "own.yaml")).output == (7,)


def test_defaults_are_joined_field_by_field(tmp_path: Path) -> None:
    here = folder(
        tmp_path,
        base="""\
input: 8x8x1
defaults: {conv: {bias: false, kernel: 3}, max_pool: {size: 2}}
layers: [{conv: {filters: 2}}, max_pool]
""",
        own="extends: base.yaml\ndefaults: {conv: {padding: same, kernel: 5}}\n",
    )
    analysis = cnnkit.analyze(cnnkit.load(here / "own.yaml"))
    assert analysis.output == (4, 4, 2)  # `same`, then the base's pool
    assert analysis.totals.parameters == 5 * 5 * 2  # the own kernel, the base's lack of a bias


def test_a_default_of_the_base_is_at_fault_in_its_own_text(tmp_path: Path) -> None:
    here = folder(
        tmp_path,
        base="layers: [{conv: {filters: 2}}]\n"
        "defaults: {conv: {bias: 3, kernel: 3}}\ninput: 8x8x1\n",
        own="extends: base.yaml\ndefaults: {conv: {padding: same}}\n",
    )
    where = only(findings(here / "own.yaml")).location
    assert where is not None
    assert (where.file.endswith("base.yaml"), where.line, where.column) == (True, 2, 25)
