"""The section `search:` of a text: its models, and what of it points nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from pydantic import ValidationError

from cnnkit.errors import Finding, UsageError, did_you_mean
from cnnkit.spec.language.faults import faults_of, shown
from cnnkit.spec.language.override import override
from cnnkit.spec.language.place import inmost, inside
from cnnkit.spec.language.reader import Faulty, Reader
from cnnkit.spec.model.search import (
    SETTINGS,
    Choice,
    Search,
    SearchSettings,
    Value,
    below,
    choice_of,
)
from cnnkit.spec.text.node import YamlNode

if TYPE_CHECKING:
    from cnnkit.spec.language.value import Value as Named

Read: TypeAlias = Callable[[YamlNode], Sequence[Finding]]
"""Reads a document, and gives what is wrong with it."""

SEARCHED: Final = (
    "input",
    "inputs",
    "rounding",
    "variables",
    "defaults",
    "blocks",
    "layers",
    "train",
)
"""The sections that a search may vary; the others say what the spec is held to."""

SAME_FOR_ALL: Final = ("train.data", "train.split", "train.seed")
"""What decides which examples a trial is trained and judged on."""

# Values of one choice that are put in and read, to say at once what no trial could be.
_MOST_READ: Final = 50
# What a text cannot mean whatever else is chosen; `wrong-value` may depend on another choice.
_CERTAIN: Final = frozenset(
    {"unknown-key", "unknown-kind", "unknown-name", "wrong-type", "invalid-expression"}
)


def assignment(path: str, value: Value) -> str:
    """What `--set` takes to put a value at a path."""
    return f"{path}={json.dumps(value, ensure_ascii=False)}"


def without_search(document: YamlNode) -> YamlNode:
    """A document that can be read for each trial without its search being read again."""
    value = document.value
    if not isinstance(value, dict):
        return document
    return document.with_value({key: node for key, node in value.items() if key != "search"})


def scope(document: YamlNode, chosen: Mapping[str, Value]) -> dict[str, Named]:
    """The names that a condition sees: the variables and, by their last part, the paths chosen.

    Args:
        document: The document, with what was chosen put in.
        chosen: The paths that have been chosen so far, and their values; of a mapping with one
            key, such as `{sgd: {momentum: 0.9}}`, the key stands for it.
    """
    from cnnkit.spec.language.variables import read_variables

    top = document.value if isinstance(document.value, dict) else {}
    names = dict(read_variables(Reader(), top.get("variables")))
    short: dict[str, list[Value]] = {}
    for path, value in chosen.items():
        name = path.rpartition(".")[2]
        if isinstance(value, dict) and len(value) == 1:
            (value,) = value
        short.setdefault(name, []).append(value)
    for name, values in short.items():
        if len(values) == 1 and name not in names:
            names[name] = values[0]
    return names


def read_search(reader: Reader, document: YamlNode, section: YamlNode, read: Read) -> Search | None:
    """The section of a document; None where something in it is wrong, which is reported.

    Args:
        reader: What the sections share.
        document: The whole document.
        section: The section.
        read: Gives the findings of a document, to try values in it.
    """
    before = len(reader.findings)
    choices: dict[str, Choice] = {}
    settings: SearchSettings | None = None
    for path, node in section.value.items() if isinstance(section.value, dict) else ():
        if path == SETTINGS:
            settings = _settings(reader, node)
        elif _known_section(reader, path, section):
            choice = _choice(reader, path, node, section)
            if choice is not None:
                choices[path] = choice
    check = _Check(reader, document, section, choices, read)
    for path in choices:
        if check.path(path):
            check.condition(path)
    if len(reader.findings) > before:
        return None
    return Search(choices=choices, settings=settings or SearchSettings())


def _settings(reader: Reader, node: YamlNode) -> SearchSettings | None:
    if node.value is None:
        return None
    example = "{method: tpe, trials: 30}"
    if not isinstance(node.value, dict):
        reader.mapping(node, SETTINGS, example)  # reports it
        return None
    try:
        return SearchSettings.model_validate(reader.value(node, reader_variables(reader)))
    except Faulty:
        return None
    except ValidationError as error:
        for fault in faults_of(error, SearchSettings, SETTINGS):
            key = str(fault.field[0]) if fault.on_key else None
            at = node.key_location(key) if key else inmost(node, fault.field).location()
            reader.report(fault.rule, fault.message, fault.help, at)
        return None


def reader_variables(reader: Reader) -> Mapping[str, Named]:
    """The variables that expressions in bounds and settings see."""
    return getattr(reader, "variables", {})


def _known_section(reader: Reader, path: str, section: YamlNode) -> bool:
    name = path.partition(".")[0]
    if path == "train" or ".".join(path.split(".")[:2]) in SAME_FOR_ALL:
        reader.report(
            "wrong-value",
            f"a search cannot vary `{path}`: all trials are judged on the same examples",
            "vary other paths; to see what chance does, cross-validate",
            section.key_location(path),
        )
        return False
    if name in SEARCHED:
        return True
    near = did_you_mean(name, (*SEARCHED, SETTINGS))
    reader.report(
        "unknown-key",
        f"a search cannot vary `{path}`",
        f"did you mean `{near}{path.removeprefix(name)}`?"
        if near and near != name
        else f"a path begins with {', '.join(SEARCHED)}: variables.width, layers.0.filters",
        section.key_location(path),
    )
    return False


def _choice(reader: Reader, path: str, node: YamlNode, section: YamlNode) -> Choice | None:
    """The choice of a path. Values and conditions stay as written: each trial reads them."""
    fields: Any = choice_of(node.plain())
    if isinstance(node.value, dict):
        try:
            fields = {
                key: inner.plain()
                if key in ("values", "when")
                else reader.value(inner, reader_variables(reader))
                for key, inner in node.value.items()
            }
        except Faulty:
            return None
    if not isinstance(fields, dict):
        reader.report(
            "wrong-type",
            f"`{path}` is {shown(fields)}, which leaves nothing to search",
            "write a list, `[8, 16]`, or a space, `{uniform: [0, 0.5]}`",
            node.location(),
        )
        return None
    try:
        return Choice.model_validate(fields)
    except ValidationError as error:
        for fault in faults_of(error, Choice, path):
            listed = isinstance(node.value, list)
            field = fault.field[1:] if listed else fault.field
            at = inmost(node, field).location()
            if fault.on_key:
                at = node.key_location(str(fault.field[0]))
            elif not fault.field:
                at = section.key_location(path)
            reader.report(fault.rule, fault.message, fault.help, at)
        return None


class _Putting(NamedTuple):
    """A document that a value is put into, and what is wrong with it as it is."""

    document: YamlNode
    faults: frozenset[tuple[str, str]]
    read: Read

    def fault(self, path: str, value: Value) -> Finding | None:
        """What is certainly wrong once the value is there.

        Raises:
            UsageError: There is no such place.
        """
        for finding in self.read(override(self.document, assignment(path, value))):
            new = (finding.rule, finding.message) not in self.faults
            if new and finding.rule in _CERTAIN and finding.level == "error":
                return finding
        return None


class _Check:
    """Puts the values of each choice into the document, and reports what cannot be."""

    def __init__(
        self,
        reader: Reader,
        document: YamlNode,
        section: YamlNode,
        choices: Mapping[str, Choice],
        read: Read,
    ) -> None:
        self.reader = reader
        self.read = read
        self.section = section
        self.choices = choices
        self.base = without_search(document)
        self.faults: frozenset[tuple[str, str]] | None = None

    def path(self, path: str) -> bool:
        """Whether a path leads somewhere, and each of its values can stand there."""
        choice = self.choices[path]
        values = (choice.listed or (choice.example,))[:_MOST_READ]
        for index, value in enumerate(values):
            problem = self._problem(path, value)
            if problem is None:
                continue
            at = inmost(self.section, [path]).location()
            if isinstance(problem, UsageError):
                reason, _, advice = str(problem).partition("; ")
                reason = reason.removeprefix(f"--set {assignment(path, value)}: ")
                message = f"`{path}` leads nowhere: {reason}"
                at = self.section.key_location(path)
                self.reader.report("unknown-key", message, advice or None, at)
                return False
            if choice.values is not None:
                node = inmost(self.section, [path])
                listed = node if isinstance(node.value, list) else inmost(node, ["values"])
                at = inmost(listed, [index]).location()
            at = at if problem.rule != "unknown-key" else self.section.key_location(path)
            message = f"`{path}` cannot be {shown(value)}: {problem.message}"
            self.reader.report(problem.rule, message, problem.help, at)
            if choice.values is None or problem.rule == "unknown-key":
                return False
        return True

    def _problem(self, path: str, value: Value) -> Finding | UsageError | None:
        """What keeps a value from a place in every document that the choices above may give."""
        first: Finding | UsageError | None = None
        for putting in self._puttings(path):
            try:
                problem: Finding | UsageError | None = putting.fault(path, value)
            except UsageError as error:
                problem = error
            if problem is None:
                return None
            first = first or problem
        return first

    def _puttings(self, path: str) -> Iterator[_Putting]:
        """The document as it is, then with each value of a choice that leads to this one."""
        if self.faults is None:
            self.faults = self._known(self.base)
        yield _Putting(self.base, self.faults, self.read)
        for above in below(self.choices, path):
            for value in (self.choices[above].listed or ())[:_MOST_READ]:
                try:
                    document = override(self.base, assignment(above, value))
                except UsageError:
                    continue  # it is reported at that choice
                yield _Putting(document, self._known(document), self.read)

    def condition(self, path: str) -> None:
        """Reports a condition that reads what it cannot, or is neither true nor false."""
        from cnnkit.spec.language.expression import evaluate
        from cnnkit.spec.language.value import ExpressionError

        choice = self.choices[path]
        if choice.when is None:
            return
        node = inmost(self.section, [path, "when"])
        chosen: dict[str, Value] = {}
        for above, each in self.choices.items():
            if above == path:
                break
            chosen[above] = each.example
        try:
            value = evaluate(choice.when, scope(self.base, chosen))
        except ExpressionError as error:
            at = inside(node, error.offset)
            self.reader.report("invalid-expression", error.message, error.help, at)
            return
        if not isinstance(value, bool):
            self.reader.report(
                "wrong-type",
                f"`when` is {shown(value)}, not true or false",
                "write a comparison, such as `when: $(depth > 2)`",
                node.location(),
            )

    def _known(self, document: YamlNode) -> frozenset[tuple[str, str]]:
        return frozenset((finding.rule, finding.message) for finding in self.read(document))
