"""Random trees of layers: what holds for all of them."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import cnnkit
from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.spec.reading import read

Plain = Any

# Layers that keep a map of 4 channels as it is, so that any of them fit together.
leaves = st.sampled_from(
    [
        "relu",
        "batch_norm",
        {"conv": {"filters": 4, "kernel": 3, "padding": "same", "activation": "relu"}},
        {"depthwise_conv": {"kernel": 1, "bias": False}},
        {"separable_conv": {"filters": 4, "kernel": 3, "padding": "same"}},
        {"squeeze_excite": {"units": 2}},
        {"save": "here"},
        {"when": "$on", "layer_norm": {}},
        {"when": "$(not on)", "tanh": {}},
        {"when": "$(k > 2)", "conv": {"filters": "$wrong"}},
        {"unit": {"width": "$(2 * k)"}},
        "unit",
    ]
)
merges = st.sampled_from(["add", "multiply", "mean", "maximum"])


def composites(layers: st.SearchStrategy[list[Plain]]) -> st.SearchStrategy[Plain]:
    activation = st.sampled_from([None, "relu", {"leaky_relu": {"slope": 0.2}}])
    branches = st.lists(layers, min_size=1, max_size=3)
    return st.one_of(
        st.builds(
            lambda inner, shortcut, act: {
                "residual": {"layers": inner, "shortcut": shortcut, "activation": act}
            },
            layers,
            st.one_of(st.just("identity"), layers),
            activation,
        ),
        st.builds(lambda b, m: {"parallel": {"branches": b, "merge": m}}, branches, merges),
        st.builds(
            lambda b, m: {
                "parallel": {"branches": {f"b{i}": x for i, x in enumerate(b)}, "merge": m}
            },
            branches,
            merges,
        ),
        st.builds(
            lambda times, inner, extra: {"repeat": {"times": times, "layers": [*inner, *extra]}},
            st.integers(0, 3),
            layers,
            st.lists(
                st.just(
                    {
                        "when": "$(index > 0)",
                        "conv": {"filters": 4, "kernel": "$(2 * index + 1)", "padding": "same"},
                    }
                ),
                max_size=1,
            ),
        ),
        st.builds(lambda inner: {"head": {"layers": inner}}, layers),
    )


@st.composite
def named(draw: st.DrawFn, layer: st.SearchStrategy[Plain]) -> list[Plain]:
    """A list of layers, some with names, which are unique in it."""
    found = draw(st.lists(layer, max_size=4))
    for index in range(len(found)):
        if draw(st.booleans()):
            kind = found[index]
            body = {kind: None} if isinstance(kind, str) else kind
            found[index] = {"name": f"n{index}", **body}
    return found


lists = st.recursive(
    named(leaves), lambda inner: named(st.one_of(leaves, composites(inner))), max_leaves=12
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Plain]:
    return {
        "input": "6x6x4",
        "variables": {"k": 2, "on": draw(st.booleans())},
        "defaults": draw(st.sampled_from([{}, {"conv": {"bias": False}}])),
        "blocks": {
            "unit": {
                "arguments": {"width": 4},
                "layers": [
                    {"conv": {"filters": "$width", "kernel": 1}},
                    {"residual": {"layers": draw(named(leaves.filter(no_block)))}},
                ],
            }
        },
        "layers": draw(lists),
    }


def no_block(layer: Plain) -> bool:
    return layer != "unit" and not (isinstance(layer, dict) and "unit" in layer)


def analysed(document: dict[str, Plain]) -> cnnkit.Analysis:
    analysis = cnnkit.analyze(cnnkit.load(document))
    assert all(finding.level != "error" for finding in analysis.findings), analysis.findings
    return analysis


FIGURES = ("neurons", "parameters", "state", "macs", "flops", "activations")


def summed(layers: tuple[LayerAnalysis, ...]) -> dict[str, int]:
    return {name: sum(getattr(layer, name) for layer in layers) for name in FIGURES}


@given(documents())
@settings(max_examples=150, deadline=None)
def test_totals_are_the_sums_over_the_leaves_at_any_depth(document: dict[str, Plain]) -> None:
    analysis = analysed(document)
    totals = {name: getattr(analysis.totals, name) for name in FIGURES}
    for depth in (None, 1, 2, 3, 4, 9):
        rows = analysis.at_depth(depth)
        assert summed(rows) == totals
        work = [row.operations for row in rows]
        assert [sum(each) for each in zip(*work, strict=True)] == (
            list(analysis.totals.operations) if rows else []
        )
    weights = [weight for node in analysis.graph.nodes for weight in node.effect.weights]
    assert totals["parameters"] == sum(weight.size for weight in weights if weight.trainable)
    assert totals["state"] == sum(weight.size for weight in weights if not weight.trainable)


@given(documents())
@settings(max_examples=150, deadline=None)
def test_what_was_expanded_is_read_as_the_same_network(document: dict[str, Plain]) -> None:
    spec = cnnkit.load(document)
    plain = spec.to_dict()
    again = cnnkit.load(plain)
    assert "$" not in yaml.safe_dump(plain)
    assert again.to_dict() == plain
    assert cnnkit.load(yaml.safe_dump(plain)) == again
    first, second = cnnkit.analyze(spec), cnnkit.analyze(again)
    assert first.totals == second.totals
    assert first.output == second.output
    for name in (*FIGURES, "operations"):
        one, other = ([getattr(each, name) for each in side.layers] for side in (first, second))
        assert one == other
    assert [node.inputs for node in first.graph.nodes] == [
        node.inputs for node in second.graph.nodes
    ]


@given(documents())
@settings(max_examples=150, deadline=None)
def test_every_path_is_one_of_its_own(document: dict[str, Plain]) -> None:
    graph = analysed(document).graph
    nodes = [node.path for node in graph.nodes]
    groups = [group.path for group in graph.root.walk()]
    assert len(set(nodes)) == len(nodes)
    assert len(set(groups)) == len(groups)


@given(documents())
@settings(max_examples=50, deadline=None)
def test_a_text_and_plain_data_say_the_same(document: dict[str, Plain]) -> None:
    assert read(yaml.safe_dump(document)).spec == read(document).spec
