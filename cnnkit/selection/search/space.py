"""What a trial may choose: drawn by Optuna, counted for a grid, and put into the spec."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cnnkit.errors import UsageError
from cnnkit.spec.language.expression import evaluate, names_in
from cnnkit.spec.language.override import override
from cnnkit.spec.language.search import assignment, scope, without_search
from cnnkit.spec.language.value import ExpressionError
from cnnkit.spec.model.search import Choice, Search, Value
from cnnkit.spec.reading import Reading, finish
from cnnkit.spec.text.node import YamlNode

if TYPE_CHECKING:
    from optuna.trial import Trial

Chosen = dict[str, Value]
"""The paths that a trial has chosen, in the order of the spec, and their values."""

_SCALARS = (bool, int, float, str, type(None))


class Space:
    """The section `search:` of a document.

    Attributes:
        document: The text of the spec, without its search.
        file: Where that stands.
        choices: What each path may be, in the order of the text.
    """

    def __init__(self, document: YamlNode, search: Search, file: str | None = None) -> None:
        self.document = without_search(document)
        self.file = file
        self.choices: Mapping[str, Choice] = search.choices
        self.combinations = search.combinations()

    def draw(self, trial: Trial) -> Chosen:
        """The choices of a trial, each drawn where its condition holds.

        Raises:
            UsageError: A condition cannot be evaluated with what was drawn.
        """
        chosen: Chosen = {}
        for path, choice in self.choices.items():
            if self._applies(choice, path, chosen):
                chosen[path] = _suggest(trial, path, choice)
        return chosen

    def grid(self) -> Iterator[Chosen]:
        """Every combination, conditions obeyed.

        Raises:
            UsageError: A choice has no end of values.
        """
        for path, choice in self.choices.items():
            if choice.listed is None:
                raise UsageError(
                    f"a grid counts its values, and those of `{path}` have no end: "
                    "write a list or `{range: [from, to, step]}`, or search by tpe or random"
                )
        yield from self._grid(list(self.choices), {})

    def _grid(self, paths: list[str], chosen: Chosen) -> Iterator[Chosen]:
        if not paths:
            yield chosen
            return
        path, *rest = paths
        choice = self.choices[path]
        if not self._applies(choice, path, chosen):
            yield from self._grid(rest, chosen)
            return
        for value in choice.listed or ():
            yield from self._grid(rest, {**chosen, path: value})

    def parameters(self, chosen: Chosen) -> dict[str, Any]:
        """The choices as Optuna keeps them."""
        return {path: _kept(self.choices[path], value) for path, value in chosen.items()}

    def chosen(self, parameters: Mapping[str, Any]) -> Chosen:
        """The choices that Optuna has kept, in the order of the text."""
        return {
            path: _value(choice, parameters[path])
            for path, choice in self.choices.items()
            if path in parameters
        }

    def put(self, chosen: Chosen) -> YamlNode:
        """The document with choices put in, a path before those that lead into it.

        Raises:
            UsageError: A path leads nowhere once the others are there.
        """
        document = self.document
        for line in assignments(chosen):
            document = override(document, line)
        return document

    def read(self, chosen: Chosen) -> Reading:
        """The spec of a trial, and what is wrong with it.

        Raises:
            UsageError: A path leads nowhere once the others are there.
        """
        return finish(self.put(chosen), (), path=self.file)

    def _applies(self, choice: Choice, path: str, chosen: Chosen) -> bool:
        if choice.when is None:
            return True
        seen = scope(self.put(chosen), chosen)
        if not names_in(choice.when) <= seen.keys():
            return False  # it asks for a choice that was not made
        try:
            return evaluate(choice.when, seen) is True
        except ExpressionError as error:
            raise UsageError(f"the condition of `{path}` in `search:`: {error.message}") from None


def assignments(chosen: Chosen) -> list[str]:
    """What `--set` takes to put choices into the spec, in the order in which it must."""
    ordered = sorted(chosen.items(), key=lambda item: item[0].count("."))
    return [assignment(path, value) for path, value in ordered]


def shown(value: Value) -> str:
    """A value as a table shows it: four digits of a number that is not whole."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _suggest(trial: Trial, path: str, choice: Choice) -> Value:
    if choice.values is not None:
        kept = [_kept(choice, value) for value in choice.values]
        return _value(choice, trial.suggest_categorical(path, kept))
    if choice.integer is not None:
        return trial.suggest_int(path, *choice.integer)
    if choice.range is not None:
        listed = choice.listed or ()
        step = choice.range[2]
        if all(isinstance(part, int) for part in choice.range):
            return trial.suggest_int(path, listed[0], listed[-1], step=int(step))
        return round(trial.suggest_float(path, listed[0], listed[-1], step=step), 12)
    if choice.log_uniform is not None:
        return trial.suggest_float(path, *choice.log_uniform, log=True)
    low, high = choice.uniform or (0.0, 1.0)
    return trial.suggest_float(path, low, high)


def _kept(choice: Choice, value: Value) -> Any:
    """A value as Optuna keeps it: lists and mappings as JSON, which alone of it is no scalar."""
    if choice.values is None or isinstance(value, _SCALARS):
        return value
    return json.dumps(value, ensure_ascii=False)


def _value(choice: Choice, kept: Any) -> Value:
    for value in choice.values or ():
        if type(_kept(choice, value)) is type(kept) and _kept(choice, value) == kept:
            return value
    return kept
