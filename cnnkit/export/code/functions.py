"""A function for each definition: how Keras's functional models are written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cnnkit.export.code.classes import docstring, input_names, named_outputs
from cnnkit.export.code.lines import (
    COPY,
    INDEX,
    NAME,
    Hole,
    annotation,
    comment,
    filled,
    identifier,
    line,
    summary,
)
from cnnkit.export.code.variables import name_values
from cnnkit.export.outline import Body, Definition, Outline, Statement
from cnnkit.layers.shape import show, show_each

_OUTSIDE = re.compile(f"[^A-Za-z0-9_{COPY[1]}{INDEX[1]}-]")  # the alphabet of a layer's name
_NAME = re.compile(f"{NAME}([^{NAME}]*){NAME}")


def write_functions(outline: Outline, taken: frozenset[str], title: str) -> Iterator[str]:
    """The lines of all functions, innermost first; the last one makes the model.

    Args:
        outline: The network.
        taken: Names that mean something else in the file.
        title: What the network is called.
    """
    for definition in outline.definitions:
        yield from _Function(outline, definition, taken).lines(title)
        yield ""
        yield ""


class _Function:
    """One function under construction."""

    def __init__(self, outline: Outline, definition: Definition, taken: frozenset[str]) -> None:
        self.outline = outline
        self.definition = definition
        self.body = definition.body
        self.is_root = self.body is outline.root
        self.columns = iter(definition.columns)
        self.sides = outline.graph.sides if self.is_root else ()
        names = {*taken, *definition.arguments, *(each.name for each in outline.definitions)}
        names -= {"x", "y", "z"}
        self.inputs = input_names(outline.graph, names) if self.is_root else {}
        self.outputs = outline.graph.outputs if self.is_root else {}
        ends = [*self.outputs.values(), *(node for node, _ in self.sides)]
        # The layers that are called more than once have variables of their own.
        self.lent: dict[int, str] = {}
        names |= {*self.inputs.values()}
        for step in self.body.steps:
            if step.reuses is not None and step.reuses not in self.lent:
                self.lent[step.reuses] = identifier(self._label(step.reuses), names)
                names.add(self.lent[step.reuses])
        self.variables = name_values(self.body, names, ends, self.inputs)

    def _label(self, output: int) -> str:
        """What the layer of a step is best called."""
        label = next(step.label for step in self.body.steps if step.output == output)
        return f"shared_{label}"

    def lines(self, title: str) -> Iterator[str]:
        """The lines of the function."""
        called = [self._statement(number, step) for number, step in enumerate(self.body.steps)]
        output = self.variables[self.body.output]
        if not self.is_root:
            arguments = [
                f"{name}: {annotation(values)}"
                for name, values in self.definition.arguments.items()
            ]
            copy = ["copy: int"] if _is_copied(self.body) else []
            listed = ", ".join(["x", *arguments, "*", *copy, "name: str"])
            yield from line(f"def {self.definition.name}({listed}):", 0)
            yield from docstring(self.definition)
            for lines in called:
                yield from lines
            yield f"    return {output}"
            return
        yield from self._model(title, called, output)

    def _model(self, title: str, called: list[list[str]], output: str) -> Iterator[str]:
        graph = self.outline.graph
        shown = show_each(graph.given)
        heads = "heads: bool = False" if self.sides else ""
        yield f"def {self.definition.name}({heads}) -> keras.Model:"
        yield f'    """{summary(title, show_each(graph.inputs), shown)}"""'
        if self.inputs:
            for (name, shape), variable in zip(
                graph.inputs.items(), self.inputs.values(), strict=True
            ):
                yield f'    {variable}_input = {variable} = keras.Input({shape}, name="{name}")'
            inputs = ", ".join(
                f'"{name}": {variable}_input'
                for name, variable in zip(graph.inputs, self.inputs.values(), strict=True)
            )
            yield from line(f"inputs = {{{inputs}}}", depth=1)
        else:
            yield f"    inputs = x = keras.Input({graph.input})"
        if len(self.outputs) > 1:
            output = named_outputs(self.outputs, self.variables)
        for step, lines in zip(self.body.steps, called, strict=True):
            yield from () if step.side else lines
        name = re.sub(r"[^\w-]+", "-", title, flags=re.ASCII).strip("-") or "network"
        if not self.sides:
            yield from line(f'return keras.Model(inputs, {output}, name="{name}")', depth=1)
            return
        weights = ", ".join(f"{weight:g}" for _, weight in self.sides)
        yield "    if not heads:"
        yield from line(f'return keras.Model(inputs, {output}, name="{name}")', depth=2)
        yield f"    # The side outputs, for training; the weights of their losses are {weights}."
        for step, lines in zip(self.body.steps, called, strict=True):
            yield from lines if step.side else ()
        given = [self.variables[node] for node in self.outputs.values()]
        ends = ", ".join([*given, *(self.variables[node] for node, _ in self.sides)])
        yield from line(f'return keras.Model(inputs, [{ends}], name="{name}")', depth=1)

    def _statement(self, number: int, step: Statement) -> list[str]:
        fixed = all(body.steps[number].shape == step.shape for body in self.definition.bodies)
        note = show(step.shape) if fixed else ""
        target = self.variables[step.output]
        inputs = [self.variables[source] for source in step.inputs]
        if step.runs:
            return self._runs(step, inputs[0], target, note)
        lines: list[str] = []
        calls = step.operation.calls if step.operation else ()
        for index, call in enumerate(calls):
            text = _NAME.sub(lambda match: self._name(step.path + match[1]), call)
            text = filled(text, lambda hole: self._value(hole))
            owner = step.output if step.reuses is None else step.reuses
            if owner in self.lent and NAME * 2 in call:
                layer = self.lent[owner]
                if step.reuses is None:
                    lines += line(f"{layer} = {text.removesuffix('({0})')}", 1)
                text = f"{layer}({{0}})"
            for place, source in enumerate(inputs):
                text = text.replace(f"{{{place}}}", source)
            # What is no layer of Keras has no name: its path is in the comment.
            path = "" if NAME in call else comment(step.path)
            about = f"{note}  {path}".strip() if index == len(calls) - 1 else ""
            if text != target:
                lines += line(f"{target} = {text}", 1, about)
            inputs = [target]
        return lines

    def _runs(self, step: Statement, source: str, target: str, note: str) -> list[str]:
        lines: list[str] = []
        index = step.first
        for run in step.runs:
            times = (next(self.columns) or str(run.times)) if run.counted else str(run.times)
            arguments = self._arguments(run.body)
            if times == "1":
                call = self._call(step, run.body, source, arguments, str(index))
                lines += line(f"{target} = {call}", 1, note)
            else:
                span = f"{index}, {index + run.times}" if index else times
                if source != target:
                    lines += line(f"{target} = {source}", 1)
                lines += line(f"for index in range({span}):", 1)
                call = self._call(step, run.body, target, arguments, "{index}")
                lines += line(f"{target} = {call}", 2, note)
            source = target
            index += run.times
        return lines

    def _call(
        self, step: Statement, body: Body, source: str, arguments: list[str], index: str
    ) -> str:
        """The call of a body's function, with the path of this copy."""
        if _is_copied(body):
            arguments = [*arguments, f"copy={index.strip('{}')}"]
        name = self._name(f"{step.path}.{step.below}" if step.below else step.path, index)
        definition = self.outline.definition(body)
        return f"{definition.name}({', '.join([source, *arguments])}, name={name})"

    def _arguments(self, body: Body) -> list[str]:
        definition = self.outline.definition(body)
        place = definition.bodies.index(body)
        return [
            f"{name}={next(self.columns) or values[place]}"
            for name, values in definition.arguments.items()
        ]

    def _value(self, hole: Hole) -> str | None:
        del hole
        return next(self.columns)

    def _name(self, path: str, index: str = "") -> str:
        """The name of the layer at a path, as a string; ``index`` says which copy."""
        shown = layer_name(path).replace(COPY[1], "{copy}", 1).replace(INDEX[1], index)
        if not self.is_root:
            shown = f"{{name}}-{shown}"
        return f'f"{shown}"' if "{" in shown else f'"{shown}"'


def layer_name(path: str) -> str:
    """A path as the name of a layer, ``layers.0.conv[1]`` → ``layers-0-conv-1``.

    A name holds no sign that a backend of Keras refuses: PyTorch's parameters take no dots, the
    scopes of TensorFlow no brackets.
    """
    dashed = path.replace("-", "_").replace(".", "-").replace("[", "-").replace("]", "")
    return _OUTSIDE.sub("_", dashed)


def _is_copied(body: Body) -> bool:
    """Whether the paths in a body hold the number of the copy."""
    return any(COPY in step.path for step in body.steps)
