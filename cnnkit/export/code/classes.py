"""What the files of Flax and PyTorch share: a class for each definition, layers as attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from cnnkit.export.code.lines import (
    Hole,
    annotation,
    comment,
    filled,
    identifier,
    line,
    summary,
    written,
)
from cnnkit.export.code.reserved import RESERVED
from cnnkit.export.code.variables import name_values
from cnnkit.export.outline import Body, Definition, Outline, Statement, Write, outline
from cnnkit.export.target import Conversion, assembled, parts
from cnnkit.layers.shape import show, show_each
from cnnkit.spec.graph import INPUT, Graph


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a framework writes a class, and what a file of it begins with.

    Attributes:
        target: The name in ``TARGETS``.
        framework: What messages call it.
        imports: Import lines, by the name that they bind.
        base: The class of all modules.
        array: The type of a tensor.
        method: The method that is the forward pass.
        prologue: The first lines of a constructor.
        parameter: What a constructor takes beside its arguments, such as ``*, rngs: nnx.Rngs``.
        passed: The same where a module is made, such as ``rngs=rngs``.
        sequence: The module that calls modules one after the other.
    """

    target: str
    framework: str
    imports: Mapping[str, str]
    base: str
    array: str
    method: str
    prologue: tuple[str, ...]
    parameter: str
    passed: str
    sequence: str


def convert_to_classes(
    graph: Graph,
    title: str,
    dialect: Dialect,
    write: Write,
    *,
    header: str,
    main: Callable[[Graph, str], str],
) -> Conversion:
    """The file of a network whose definitions are classes, or why there is none.

    Args:
        graph: The network.
        title: What it is called.
        dialect: How the framework writes a class.
        write: Writes a node in its words.
        header: The docstring of the file.
        main: What runs at its end, from the network and the name of its class.
    """
    taken = frozenset({*dialect.imports, "model", "parameters", *parts(dialect.target)})
    plan = outline(graph, title, write, dialect.framework, sorted(taken))
    if plan.findings:
        return Conversion(None, plan.findings)
    about = summary(title, show_each(graph.inputs), show_each(graph.given))
    definitions = "\n".join(write_classes(plan, dialect, taken, about))
    code = definitions.rstrip() + main(graph, plan.definition(plan.root).name)
    return Conversion(assembled(dialect.target, header, dialect.imports, code), ())


def write_classes(
    outline: Outline, dialect: Dialect, taken: frozenset[str], shown: str
) -> Iterator[str]:
    """The lines of all classes, innermost first.

    Args:
        outline: The network.
        dialect: How the framework writes a class.
        taken: Names that mean something else in the file.
        shown: What the docstring of the network says it is.
    """
    for definition in outline.definitions:
        yield from _Class(outline, definition, dialect, taken).lines(shown)
        yield ""
        yield ""


class _Class:
    """One class under construction."""

    def __init__(
        self, outline: Outline, definition: Definition, dialect: Dialect, taken: frozenset[str]
    ) -> None:
        self.outline = outline
        self.definition = definition
        self.dialect = dialect
        self.body = definition.body
        self.is_root = self.body is outline.root
        self.columns = iter(definition.columns)
        self.kept: list[str] = []  # arguments that the forward pass reads
        self.attributes = _attributes(self.body)
        self.sides = outline.graph.sides if self.is_root else ()
        names = {*taken, "self", "heads", *(each.name for each in outline.definitions)}
        self.inputs = input_names(outline.graph, names) if self.is_root else {}
        self.outputs = outline.graph.outputs if self.is_root else {}
        ends = [*self.outputs.values(), *(node for node, _ in self.sides)]
        self.variables = name_values(self.body, names, ends, self.inputs)

    def lines(self, shown: str) -> Iterator[str]:
        """The lines of the class."""
        statements = [self._statement(number, step) for number, step in enumerate(self.body.steps)]
        built = [made for made, _ in statements]
        called = [calls for _, calls in statements]
        yield f"class {self.definition.name}({self.dialect.base}):"
        yield from [f'    """{shown}"""'] if self.is_root else docstring(self.definition)
        yield ""
        if self.dialect.parameter or self.dialect.prologue:
            yield from self._signature()
            if self.dialect.parameter and not any(built):
                yield f"        del {self.dialect.passed.split('=')[0]}  # it has no weights"
            yield from (f"        {text}" for text in self.dialect.prologue)
            yield from (f"        self.{name} = {name}" for name in self.kept)
            for made in built:
                yield from made
            yield ""
        yield from self._forward(called)

    def _signature(self) -> Iterator[str]:
        arguments = [
            f"{name}: {annotation(values)}" for name, values in self.definition.arguments.items()
        ]
        if self.dialect.parameter:
            arguments.append(self.dialect.parameter)
        yield from line(f"def __init__({', '.join(['self', *arguments])}) -> None:", 1)

    def _forward(self, called: list[list[str]]) -> Iterator[str]:
        method, array = self.dialect.method, self.dialect.array
        taken = ", ".join(f"{name}: {array}" for name in self.inputs.values() or ("x",))
        several = len(self.outputs) > 1
        given = f"dict[str, {array}]" if several else array
        out = self.variables[self.body.output]
        if several:
            out = named_outputs(self.outputs, self.variables)
        if not self.sides:
            yield from line(f"def {method}(self, {taken}) -> {given}:", 1)
            for calls in called:
                yield from calls
            yield from line(f"return {out}", 2)
            return
        yield f"    def {method}("
        yield f"        self, {taken}, heads: bool = False"
        yield f"    ) -> {given} | tuple[{f'{given} | {array}' if several else array}, ...]:"
        weights = ", ".join(f"{weight:g}" for _, weight in self.sides)
        yield "        # With `heads` also the side outputs, for training; the weights of their"
        yield f"        # losses are {weights}."
        for step, calls in zip(self.body.steps, called, strict=True):
            if not step.side:
                yield from calls
        yield "        if not heads:"
        yield f"            return {out}"
        ends = ", ".join(self.variables[node] for node, _ in self.sides)
        for step, calls in zip(self.body.steps, called, strict=True):
            if step.side:
                yield from calls
        yield f"        return {out}, {ends}"

    def _statement(self, number: int, step: Statement) -> tuple[list[str], list[str]]:
        """The lines that make a step's layer, and those that call it."""
        attribute = self.attributes.get(self._layer_of(number), "")
        build, calls = self._texts(step)
        path = comment(step.path)
        made = line(f"self.{attribute} = {build}", 2, path) if build else []
        note = show(step.shape) if self._fixed(step) else ""
        if not build and path:
            note = f"{note}  {path}".strip()
        target = self.variables[step.output]
        inputs = [self.variables[source] for source in step.inputs]
        lines: list[str] = []
        for index, call in enumerate(calls):
            text = call.replace("{layer}", f"self.{attribute}")
            for place, source in enumerate(inputs):
                text = text.replace(f"{{{place}}}", source)
            last = index == len(calls) - 1
            if text != target:
                lines += line(f"{target} = {text}", 2, note if last else "")
            inputs = [target]
        return made, lines

    def _layer_of(self, number: int) -> int:
        """The number of the step whose layer a step calls: its own, or one that it uses again."""
        reuses = self.body.steps[number].reuses
        if reuses is None:
            return number
        return next(i for i, step in enumerate(self.body.steps) if step.output == reuses)

    def _texts(self, step: Statement) -> tuple[str, list[str]]:
        """A step's texts with arguments in their holes: what makes the layer, what calls it."""
        if step.runs:
            return self._runs(step), ["{layer}({0})"]
        if step.operation is None:
            return "", []
        build = filled(step.operation.build or "", self._in_constructor)
        return build, [filled(call, self._in_forward) for call in step.operation.calls]

    def _runs(self, step: Statement) -> str:
        parts = []
        for run in step.runs:
            times = (next(self.columns) or str(run.times)) if run.counted else str(run.times)
            made = self._made(run.body)
            parts.append(made if times == "1" else f"*[{made} for _ in range({times})]")
        if len(parts) == 1 and not parts[0].startswith("*"):
            return parts[0]
        return f"{self.dialect.sequence}({', '.join(parts)})"

    def _made(self, body: Body) -> str:
        definition = self.outline.definition(body)
        index = definition.bodies.index(body)
        values = [next(self.columns) or each[index] for each in definition.arguments.values()]
        # By name, so that a reader need not look up their order.
        arguments = [
            f"{name}={value}" for name, value in zip(definition.arguments, values, strict=True)
        ]
        if self.dialect.passed:
            arguments.append(self.dialect.passed)
        return f"{definition.name}({', '.join(arguments)})"

    def _in_constructor(self, hole: Hole) -> str | None:
        del hole
        return next(self.columns)

    def _in_forward(self, hole: Hole) -> str | None:
        del hole
        name = next(self.columns)
        if name is None:
            return None
        if name not in self.kept:
            self.kept.append(name)
        return f"self.{name}"

    def _fixed(self, step: Statement) -> bool:
        """Whether the shape of a step is the same in all bodies of the definition."""
        number = self.body.steps.index(step)
        return all(body.steps[number].shape == step.shape for body in self.definition.bodies)


def _attributes(body: Body) -> dict[int, str]:
    """The attribute of each step that makes a layer: its name, numbered where it is not alone."""
    wanted = {
        number: identifier(step.label, RESERVED)
        for number, step in enumerate(body.steps)
        if step.runs or (step.operation and step.operation.build)
    }
    several = {name for name in wanted.values() if list(wanted.values()).count(name) > 1}
    counts: dict[str, int] = {}
    names: dict[int, str] = {}
    for number, name in wanted.items():
        chosen = name
        if name in several:
            counts[name] = counts.get(name, 0) + 1
            joint = "_" if name[-1].isdigit() else ""
            chosen = f"{name}{joint}{counts[name]}"
        while chosen in names.values():
            chosen += "_"
        names[number] = chosen
    return names


def input_names(graph: Graph, taken: Iterable[str]) -> dict[int, str]:
    """The arguments of a network of several inputs; none where ``x`` will do."""
    if len(graph.inputs) == 1:
        return {}
    names: dict[int, str] = {}
    for number, name in enumerate(graph.inputs):
        names[INPUT - number] = identifier(name, {*taken, *names.values()})
    return names


def named_outputs(outputs: Mapping[str, int], variables: Mapping[int, str]) -> str:
    """Several outputs by their names, as a dict."""
    return (
        f"{{{', '.join(f'{written(name)}: {variables[node]}' for name, node in outputs.items())}}}"
    )


def docstring(definition: Definition) -> list[str]:
    """What a definition stands for: its block, and where it is used."""
    source, output = definition.body.shapes
    title, path = comment(definition.body.title), comment(definition.body.path)
    uses = len(definition.bodies)
    number = "once" if uses == 1 else f"{uses} times, first"
    where = f"`{title}`, used {number} as {path}: {show(source)} → {show(output)}."
    if len(where) <= 90:
        return [f'    """{where}"""']
    short = f"used {number} at {show(source)}."
    return [f'    """`{title}`, {short}', "", f"    As {path}.", '    """']
