"""What a finding suggests is done to the spec, and then the finding is gone and no other has come.

Every part of a help is one of the sentences below, or names no number: a sentence that is new and
names one has to be added here, with what it asks for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cnnkit import rules
from cnnkit.analysis import analyze
from cnnkit.errors import Finding
from cnnkit.spec.reading import read

ALL = tuple(rules.LEVELS)
Plain = dict[str, Any]


class Case(NamedTuple):
    """A spec whose first layer may be at fault, and a finding of it."""

    spec: Plain
    finding: Finding

    @property
    def layer(self) -> Plain:
        """The fields of the first layer."""
        fields: Plain
        (fields,) = self.spec["layers"][0].values()
        return fields

    def with_fields(self, **fields: Any) -> Plain:
        """The spec, other fields in the first layer."""
        ((kind, old),) = self.spec["layers"][0].items()
        return {**self.spec, "layers": [{kind: {**old, **fields}}, *self.spec["layers"][1:]]}

    def after(self, *layers: Any) -> Plain:
        """The spec, with layers before the first one."""
        return {**self.spec, "layers": [*layers, *self.spec["layers"]]}


def value_of(text: str) -> Any:
    if text.startswith("["):
        return [value_of(each) for each in re.findall(r"\[[^]]*\]|[\w]+", text[1:-1])]
    return int(text) if text.isdigit() else text


def shape_of(text: str, case: Case) -> list[int]:
    """A map as the help says it, with the channels that come in."""
    return [*map(int, text.split("x")), case.spec["input"][-1]]


def field(case: Case, name: str, value: str, *_: str) -> Iterator[Plain]:
    yield case.with_fields(**{name: value_of(value)})


def fields(case: Case, name: str, one: str, other: str | None) -> Iterator[Plain]:
    for value in filter(None, (one, other)):
        yield case.with_fields(**{name: value_of(value)})


def at_most(case: Case, name: str, value: str) -> Iterator[Plain]:
    for each in range(int(value) + 1):
        yield case.with_fields(**{name: each})


def map_before(case: Case, extents: str, *_: str) -> Iterator[Plain]:
    yield {**case.spec, "input": shape_of(extents, case)}


def groups(case: Case, listed: str) -> Iterator[Plain]:
    for each in listed.split(", "):
        yield case.with_fields(groups=int(each))


def blocks(case: Case, listed: str) -> Iterator[Plain]:
    for each in listed.split(", "):
        yield case.with_fields(block=int(each))


def filters_before(case: Case, one: str, other: str | None) -> Iterator[Plain]:
    for value in filter(None, (one, other)):
        count = int(value.replace(",", ""))
        conv = {"conv": {"filters": count, "kernel": 1}}
        yield case.after(conv if len(case.spec["input"]) > 1 else {"dense": {"units": count}})


def channels(case: Case, one: str, other: str | None) -> Iterator[Plain]:
    name = "units" if "units" in case.layer else "filters"
    for value in filter(None, (one, other)):
        yield case.with_fields(**{name: int(value)})


def an_axis(case: Case, length: str, reshaped: str) -> Iterator[Plain]:
    yield {**case.spec, "input": [int(length), 1]}
    yield case.after({"reshape": {"shape": [int(reshaped), 1]}})


def flatten(case: Case, units: str) -> Iterator[Plain]:
    yield case.after("flatten")
    yield {**case.spec, "layers": [{"conv": {"filters": int(units), "kernel": 1}}]}


def slices(case: Case, name: str, value: str) -> Iterator[Plain]:
    yield case.with_fields(**{name: int(value)})


def second(case: Case, kind: str, listed: str) -> Iterator[Plain]:
    branches = case.layer["branches"]
    layer = dict(pair.split(": ", 1) for pair in re.findall(r"\w+: (?:\[[^]]*\]|\w+)", listed))
    more = {kind: {name: value_of(value) for name, value in layer.items()}}
    yield case.with_fields(branches=[branches[0], [*branches[1], more]])


def no_bias(case: Case, kind: str | None) -> Iterator[Plain]:
    yield case.with_fields(bias=False)
    if kind:
        yield {**case.spec, "defaults": {kind: {"bias": False}}}


def nothing(case: Case, *_: str) -> Iterator[Plain]:
    """What names a number and asks for nothing."""
    del case
    return iter(())


NUMBER = r"(\d[\d,]*)"
SENTENCES: dict[str, Callable[..., Iterator[Plain]]] = {
    r"(stride|kernel|size) (\[[^]]+\]|\d+)(?: gives [\dx]+)?": field,
    r"(?:or )?`(\w+): (\[.+\]|\w+)`(?: gives [\dx]+)?(?: and leaves .+ unread)?": field,
    r"a map of ([\dx]+) before it(?: gives [\dx]+| loses nothing)?": map_before,
    r"(`padding): same` reads all": lambda case, _: field(case, "padding", "same"),
    r"`(padding): (\d+)` or less on each side": at_most,
    r"`(?:crop|pad)` the map to ([\dx]+)": map_before,
    r"blocks that divide [\dx]+: ([\d, ]+)": blocks,
    r"groups that divide [^:]+: ([\d, ]+)": groups,
    rf"give the layer before {NUMBER}(?: or {NUMBER})? filters": filters_before,
    r"(kernel|size) (\[[^]]+\]|\d+)(?: or (\[[^]]+\]|\d+))? pads both sides alike": fields,
    r"(\d+)(?: or (\d+))? would fill the blocks that hardware works on": channels,
    r"give the vector an axis: `input: (\d+)x1`, or `reshape: {shape: \[(\d+), 1\]}`": an_axis,
    r"put `- flatten` before it to read the whole map; or use `conv: {filters: (\d+), kernel: 1}` "
    "for one vector a position": flatten,
    r"`(start|stop)` is at most (\d+); channels count from 0": slices,
    r"the \d+ channels are 0 to \d+: give `start` and `stop` among them": nothing,
    r"`(conv|dense): {([^}]+)}` on the second would give it the first one's (?:shape|length)": (
        second
    ),
    r"write `bias: false`(?:, or once for all `defaults: {(\w+): {bias: false}}`)?": no_bias,
    r"channels and filters that \d+ divides": nothing,
    r"give the layer before a multiple of (\d+) as channels": lambda case, n: filters_before(
        case, n, str(2 * int(n))
    ),
}
GENERAL = re.compile(r"[^\d]*|.*1x1.*|.*cnnkit solve.*", re.DOTALL)


def suggested(case: Case) -> Iterator[tuple[str, Plain]]:
    """What the help of a finding asks for, each suggestion as the spec that it leads to."""
    for part in parts(case.finding.help or ""):
        for pattern, changed in SENTENCES.items():
            if match := re.fullmatch(pattern, part):
                yield from ((part, spec) for spec in changed(case, *match.groups()))
                break
        else:
            assert GENERAL.fullmatch(part), f"what does this ask for? {part}"


def parts(text: str) -> list[str]:
    """The sentences of a help; a comma ends one where it stands in no brackets."""
    whole = [pattern for pattern in SENTENCES if re.fullmatch(pattern, text)]
    if whole:
        return [text]
    return re.split(r"; |, (?=(?:stride|kernel|size) |`\w+: |a map of )", text)


def found(spec: Plain) -> list[Finding]:
    """All that is wrong with a spec, rules of every kind included."""
    reading = read(spec)
    assert reading.spec is not None, reading.findings
    analysis = analyze(reading.spec)
    return [*analysis.findings, *rules.applied(analysis, ALL)]


def check_all(spec: Plain) -> list[str]:
    """Applies every suggestion for the first layer; the sentences that were tried."""
    findings = found(spec)
    errors = {each.rule for each in findings if each.level == "error"}
    tried = []
    for finding in findings:
        if finding.path != "layers.0":
            continue
        for sentence, changed in suggested(Case(spec, finding)):
            left = {
                each.rule
                for each in found(changed)
                if (each.path or "").startswith(("layers.0", "layers.1"))
            }
            assert finding.rule not in left, (spec, sentence, changed)
            new = {each for each in left if rules.LEVELS[each] == "error"} - errors
            assert not new, (spec, sentence, changed, new)
            tried.append(sentence)
    return tried


SIDE = st.integers(0, 4) | st.lists(st.integers(0, 4), min_size=2, max_size=2)


@st.composite
def layers(draw: st.DrawFn) -> Plain:
    """A spec of one layer, often with a fault."""
    rank = draw(st.integers(1, 3))
    shape = draw(st.lists(st.integers(1, 12), min_size=rank, max_size=rank))
    channels = draw(st.integers(1, 12))

    def extents(high: int) -> Any:
        number = st.integers(1, high)
        return draw(number | st.lists(number, min_size=rank, max_size=rank))

    def padding() -> Any:
        sides = st.lists(SIDE, min_size=rank, max_size=rank)
        return draw(st.sampled_from(["valid", "same"]) | st.integers(0, 4) | sides)

    kind = draw(st.sampled_from(KINDS))
    fields: Plain = {}
    if kind in ("conv", "separable_conv", "depthwise_conv", "locally_connected", "transposed_conv"):
        fields = {"kernel": extents(9), "stride": extents(5), "padding": padding()}
        fields["dilation"] = extents(2)
        if kind != "depthwise_conv":
            fields["filters"] = draw(st.integers(1, 20))
        if kind in ("conv", "locally_connected", "transposed_conv"):
            fields["groups"] = draw(st.sampled_from([1, 1, 2, 3]))
        if kind != "transposed_conv":
            fields["rounding"] = draw(st.sampled_from(["exact", "exact", "floor", "ceil"]))
            fields["padding_mode"] = draw(st.sampled_from(["zeros", "reflect", "circular"]))
        if draw(st.booleans()) and kind == "conv" and rank == 1:
            fields["weights"] = [[[0.5] * fields["filters"]] * channels] * 3
    elif kind in ("max_pool", "mean_pool"):
        fields = {"size": extents(7), "padding": padding()}
        fields["rounding"] = draw(st.sampled_from(["exact", "floor", "ceil"]))
        if draw(st.booleans()):
            fields["stride"] = extents(5)
    elif kind == "pad":
        fields["padding"] = draw(st.integers(0, 9))
        fields["padding_mode"] = draw(st.sampled_from(["zeros", "reflect", "circular", "edge"]))
    elif kind == "crop":
        fields["cells"] = draw(SIDE if rank == 2 else st.integers(0, 4))
    elif kind in ("space_to_depth", "depth_to_space"):
        fields["block"] = extents(4)
    elif kind in ("channel_shuffle", "group_norm"):
        fields["groups"] = draw(st.integers(1, 5))
    elif kind == "channel_slice":
        start = draw(st.integers(0, 14))
        fields = {"start": start, "stop": draw(st.integers(start + 1, 15))}
    elif kind == "maxout":
        fields["pieces"] = draw(st.integers(1, 4))
    elif kind == "dense":
        fields["units"] = draw(st.integers(1, 20))
    elif kind == "parallel":
        branches = [{"conv": {"filters": draw(st.integers(1, 4)), "kernel": 1,
                              "stride": draw(st.integers(1, 3)), "rounding": "ceil"}}
                    for _ in range(2)]  # fmt: skip
        fields = {"branches": [[each] for each in branches]}
        fields["merge"] = draw(st.sampled_from(["add", "concat", "maximum"]))
    vector = draw(st.sampled_from([False] * 9 + [True]))
    after = draw(st.sampled_from([[], ["batch_norm"], ["relu"]]))
    return {"input": [channels] if vector else [*shape, channels],
            "layers": [{kind: fields}, *after]}  # fmt: skip


KINDS = [
    "conv", "conv", "conv", "separable_conv", "depthwise_conv", "locally_connected",
    "transposed_conv", "max_pool", "max_pool", "mean_pool", "pad", "crop", "space_to_depth",
    "depth_to_space", "channel_shuffle", "group_norm", "channel_slice", "maxout", "dense",
    "parallel",
]  # fmt: skip


@given(layers())
@settings(max_examples=600)
def test_every_suggestion_can_be_followed(spec: Plain) -> None:
    reading = read(spec)
    assume(not any(each.level == "error" for each in reading.findings))
    check_all(spec)


@pytest.mark.parametrize(
    ("shape", "layer", "count"),
    [
        ([7, 7, 1], {"conv": {"filters": 8, "kernel": 3, "stride": 3}}, 10),
        ([4, 1], {"conv": {"filters": 8, "kernel": 11, "stride": 3}}, 3),
        ([8, 8, 6], {"channel_shuffle": {"groups": 4}}, 4),
        ([9, 15, 3], {"space_to_depth": {"block": 2}}, 3),
        ([4, 4, 30], {"depth_to_space": {"block": 2}}, 2),
        ([8, 8, 8], {"conv": {"filters": 8, "kernel": 4, "padding": "same"}}, 2),
        ([28, 31, 8], {"mean_pool": {"size": 4, "rounding": "floor"}}, 2),
        ([150], {"conv": {"filters": 8, "kernel": 3}}, 2),
        ([5, 5, 8], {"max_pool": {"size": 3, "stride": 2, "padding": 3}}, 1),
        ([4, 4, 8], {"dense": {"units": 8}}, 2),
    ],
)
def test_the_suggestions_are_read_and_followed(shape: list[int], layer: Plain, count: int) -> None:
    """So that the test above cannot pass by reading none."""
    assert len(check_all({"input": shape, "layers": [layer]})) == count


@pytest.mark.parametrize("pools", range(4))
@pytest.mark.parametrize("kernel", [2, 3, 5])
@pytest.mark.parametrize("extent", [33, 40, 64])
def test_so_many_more_convolutions_see_all(pools: int, kernel: int, extent: int) -> None:
    conv = {"conv": {"filters": 8, "kernel": kernel, "activation": "relu"}}
    pool = {"max_pool": {"size": 2, "rounding": "floor"}}
    same = {"conv": {"filters": 8, "kernel": 3, "padding": "same", "activation": "relu"}}

    def more(count: int) -> list[str]:
        layers = [conv, *[pool, conv] * pools, *[same] * count, "global_mean_pool"]
        spec: Plain = {"input": [extent, extent, 3], "layers": layers}
        wanted = [each.help or "" for each in found(spec) if each.rule == "small-receptive-field"]
        return [text.split(" more ")[0] for text in wanted]

    (number,) = more(0) or ["0"]
    assert more(int(number)) == []
    if int(number) > 1:
        assert more(int(number) - 1) == ["1"]
