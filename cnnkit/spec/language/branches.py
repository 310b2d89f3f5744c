"""The branches of a `parallel`: by name or number, left out by `when`, repeated by `times`."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Final

from cnnkit.layers.base import Layer
from cnnkit.spec.language.blocks import NAME
from cnnkit.spec.language.faults import shown
from cnnkit.spec.language.layer import LayerReader
from cnnkit.spec.language.reader import Faulty, Scope, what
from cnnkit.spec.text.node import YamlNode

MOST_BRANCHES: Final = 10_000
"""Of one `times`: far above any network's cardinality."""

_KEYS: Final = ({"when", "layers"}, {"times", "layers"}, {"when", "times", "layers"})


class BranchReader(LayerReader):
    """Reads branches; the layers of each are read by ``sequence``."""

    @abstractmethod
    def sequence(self, node: YamlNode, scope: Scope, label: str) -> tuple[Layer, ...]:
        """The layers of a list."""

    def branches(self, node: YamlNode, scope: Scope) -> dict[str, tuple[Layer, ...]]:
        """The layers of each branch, by its name or its number in the list.

        Raises:
            Faulty: The node holds no branches.
        """
        value = node.value
        if isinstance(value, list):
            named = {str(index): branch for index, branch in enumerate(value)}
        elif isinstance(value, dict) and _is_repeated(node):
            named = {"": node}
        elif isinstance(value, dict):
            named = {
                name: branch for name, branch in value.items() if self._branch_name(name, node)
            }
        else:
            message = f"`branches` is {what(node)}, not a list of lists of layers"
            advice = "write `branches: [[…], […]]`, or `name: […]` for each branch"
            self.report("wrong-type", message, advice, node.location())
            raise Faulty
        found = {}
        for name, branch in named.items():
            for key, layers, inner in self._branch_copies(name, branch, scope):
                found[key] = self.sequence(layers, inner, f"branches.{key}")
        return found

    def _branch_copies(
        self, name: str, node: YamlNode, scope: Scope
    ) -> list[tuple[str, YamlNode, Scope]]:
        """The name, list of layers and names of each copy of a branch; none where it is left out.

        The copies of branch ``wide`` are ``wide[0]``, ``wide[1]`` …; those of all, ``0``, ``1`` ….
        """
        value = node.value
        if not isinstance(value, dict) or value.keys() not in _KEYS:
            return [(name, node, scope)]
        if "when" in value and not self.when(value["when"], scope):
            return []
        if "times" not in value:
            return [(name, value["layers"], scope)]
        times = self.value(value["times"], scope)
        if not isinstance(times, int) or isinstance(times, bool) or not 0 <= times <= MOST_BRANCHES:
            self.report(
                "wrong-value",
                f"`times` of branches is {shown(times)}",
                f"a whole number from 0 to {MOST_BRANCHES:,}: how many of the branch there are",
                value["times"].location(),
            )
            raise Faulty
        return [
            (f"{name}[{n}]" if name else str(n), value["layers"], self.copy_scope(scope, n))
            for n in range(times)
        ]

    @abstractmethod
    def copy_scope(self, scope: Scope, number: int) -> Scope:
        """The names that copy ``number`` of something sees."""

    def _branch_name(self, name: str, branches: YamlNode) -> bool:
        """Whether a branch may have a name; reports where it may not."""
        if NAME.fullmatch(name):
            return True
        message = f"a branch cannot be named `{name}`"
        advice = "a name is part of a path: a letter, then letters, digits, _ and -"
        self.report("wrong-value", message, advice, branches.key_location(name))
        return False


def _is_repeated(node: YamlNode) -> bool:
    """Whether a mapping is one branch of some copies, not branches by name.

    A branch that is named `times` holds a list, as all that are named do.
    """
    value: Any = node.value
    return value.keys() in _KEYS[1:] and not isinstance(value["times"].value, list | dict)
