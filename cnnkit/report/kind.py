"""The page of a kind of layer, in Markdown: all of it from the kind's own class.

The docstring says what it computes, the fields describe themselves, and the formulas, counts and
weights are those of the class's example, analysed.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic.fields import FieldInfo

from cnnkit.analysis import Analysis, analyze
from cnnkit.analysis.explain import explain
from cnnkit.layers import KINDS, layer_class
from cnnkit.layers.base import Layer
from cnnkit.layers.kinds import DEPRECATED, instead
from cnnkit.layers.shape import show
from cnnkit.report.analysis.explanation import curve_of, heading
from cnnkit.spec.language.faults import expected, field_names, shown
from cnnkit.spec.reading import load


def kind_page(kind: str) -> str:
    """What a kind computes, its fields, and an example with its formulas and weights.

    Raises:
        KeyError: There is no such kind.
    """
    layer = layer_class(kind)
    example = kind_example(kind)
    analysis = analyze(load(example))
    parts = [
        f"# {kind}",
        f"{KINDS[kind]}, `cnnkit.layers.{layer.__name__}`",
        *_paragraphs(layer),
        *([kind_summary(kind)] if kind in DEPRECATED else []),
        "## Fields",
        "\n".join(_fields(layer)) or "It has none.",
        *_other_names(layer),
        "## Example",
        f"```yaml\n{example}```",
        "## Formulas of the example",
        "\n".join(["```text", *_formulas(analysis), "```"]),
        "## Weights of the example",
        "\n".join(_weights(analysis)) or "It has none.",
    ]
    return "\n\n".join(parts)


def kind_example(kind: str) -> str:
    """A spec with a layer of the kind, as YAML."""
    first, *layers = layer_class(kind).example or ("8x8x16", kind)
    return f"input: {first}\nlayers:\n" + "".join(f"  - {layer}\n" for layer in layers)


def kind_summary(kind: str) -> str:
    """The first sentence of the kind's page."""
    if kind in DEPRECATED:
        return f"Deprecated: {instead(kind)}."
    return (layer_class(kind).__doc__ or "").partition("\n\n")[0].replace("``", "`")


def _paragraphs(layer: type[Layer]) -> Iterator[str]:
    for paragraph in (layer.__doc__ or "").split("\n\n"):
        yield " ".join(paragraph.split()).replace("``", "`")


def _fields(layer: type[Layer]) -> Iterator[str]:
    """Each field: whether it is needed or what it is without, its meaning, and what it takes."""
    infos = {info.alias or name: info for name, info in layer.model_fields.items()}
    for name in field_names(layer):
        info = infos[name]
        yield f"- `{name}` ({_default(info)}): {info.description}. Takes {expected(layer, name)}."


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "needed"
    default = info.get_default()
    if isinstance(default, Layer):
        return f"`{default.kind}` by default"
    if default is None or default == ():
        return "optional"
    return f"`{default if isinstance(default, str) else shown(default)}` by default"


def _other_names(layer: type[Layer]) -> Iterator[str]:
    """What frameworks call the fields, for whoever looks for a field under such a name."""
    if names := [f"`{other}` is `{field}`" for other, field in layer.field_aliases.items()]:
        yield f"Elsewhere they have other names: {', '.join(names)}."


def _formulas(analysis: Analysis) -> Iterator[str]:
    for number, explanation in enumerate(explain(analysis)[:-1]):  # the last is of the totals
        if number:
            yield ""
        yield "  ".join(heading(explanation))
        for line in explanation.lines:
            yield f"  {line.label}: {line.equation}"
        yield from (f"    {row}" for row in curve_of(explanation))


def _weights(analysis: Analysis) -> Iterator[str]:
    for node in analysis.graph.nodes:
        for weight in node.effect.weights:
            use = "trained" if weight.trainable else "running state"
            yield f"- `{node.path}.{weight.name}`, {show(weight.shape)}: {weight.size:,}, {use}"
