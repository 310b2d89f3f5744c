"""A spec does not give what it expects of itself.

## What it finds

A figure under `expect:` that the analysis does not give, a different `output:`, of several outputs
any of them, or a rule listed
in `expect.findings` that finds nothing.

## Why

`expect:` is a test that lives beside what it tests: totals from a paper or from a framework, put
down once, which a later change of the spec must not alter unnoticed. `expect.findings` lists the
rules that a spec breaks on purpose, to show the fault; once it no longer does, it has lost its
point.

## Example

```yaml
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 3, padding: same, activation: relu}
  - max_pool: {size: 2}
  - conv: {filters: 16, kernel: 3, padding: same}
expect: {parameters: 1250, output: 14x14x16}
```

## Instead

```yaml
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 3, padding: same, activation: relu}
  - max_pool: {size: 2}
  - conv: {filters: 16, kernel: 3, padding: same}
expect: {parameters: 1248, output: 14x14x16}
```
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cnnkit.analysis.result import Analysis
from cnnkit.errors import Finding, did_you_mean
from cnnkit.layers.shape import Shape, show
from cnnkit.rules.base import RuleContext, percent, place_in
from cnnkit.rules.levels import LEVELS
from cnnkit.spec.graph import ONLY
from cnnkit.spec.model.spec import Spec

NAME = "expectation-failed"


def check(network: RuleContext) -> Iterator[Finding]:
    """The figures and the output; what is in `expect.findings` is for ``settle``."""
    analysis = network.analysis
    expect = analysis.spec.expect
    if expect is None or analysis.output is None:  # an error before leaves the totals open
        return
    for name, wanted in expect.figures().items():
        value: int = getattr(analysis.totals, name)
        if value != wanted:
            difference = abs(value - wanted)
            part = f" ({percent(difference, wanted)})" if wanted else ""
            yield Finding(
                NAME,
                "error",
                f"`{name}` is {value:,}, not {wanted:,} as expected: {difference:,} "
                f"{'more' if value > wanted else 'less'}{part}",
                f"if this is what is meant now, write `{name}: {value}`",
                place_in(analysis.spec, "expect", name),
            )
    if expect.output is not None:
        yield from _outputs(analysis, expect.output)


def _outputs(analysis: Analysis, wanted: Shape | Mapping[str, Shape]) -> Iterator[Finding]:
    """What the network gives, beside the shape or the shapes by name that are expected."""
    given = {name: shape or () for name, shape in analysis.graph.given.items()}
    (first, shape), *others = given.items()
    if not isinstance(wanted, Mapping) and not others:
        wanted = {first: wanted}
    if wanted == given:
        return
    write = f"{list(shape)}" if first == ONLY and not others else _by_name(given)
    place = place_in(analysis.spec, "expect", "output")
    advice = f"if this is what is meant now, write `output: {write}`"
    if not isinstance(wanted, Mapping) or wanted.keys() != given.keys():
        names = ", ".join(f"`{name}`" for name in given)
        said = "one shape" if not isinstance(wanted, Mapping) else ", ".join(map(str, wanted))
        message = f"the network gives {names}, and the output expected is {said}"
        yield Finding(NAME, "error", message, advice, place)
        return
    for name, expected in wanted.items():
        if given[name] != expected:
            which = f"the output `{name}`" if name != ONLY or others else "the output"
            message = f"{which} is {show(given[name])}, not {show(expected)} as expected"
            at = place_in(analysis.spec, "expect", "output", name)
            yield Finding(NAME, "error", message, advice, at)


def _by_name(shapes: Mapping[str, Shape]) -> str:
    listed = ", ".join(f"{name}: {list(shape)}" for name, shape in shapes.items())
    return f"{{{listed}}}"


def settle(spec: Spec, findings: Iterable[Finding]) -> list[Finding]:
    """The findings without those that the spec shows on purpose, and with those it fails to show.

    ``findings`` are all about the spec: of reading, of analysing, and of ``applied``, which is
    to be given the rules listed in `expect.findings`, too.
    """
    listed = spec.expect.findings if spec.expect else None
    if not listed:
        return list(findings)
    kept, found = [], set()
    for finding in findings:
        found.add(finding.rule)
        if finding.rule not in listed:
            kept.append(finding)
    for index, rule in enumerate(listed):
        if rule not in found:
            where = place_in(spec, "expect", "findings", index)
            kept.append(Finding(NAME, "error", *_not_found(rule), where))
    return kept


def _not_found(rule: str) -> tuple[str, str]:
    if rule in LEVELS:
        return f"`{rule}` is expected and not found", "take it off the list `expect.findings`"
    near = did_you_mean(rule, LEVELS)
    advice = f"did you mean `{near}`?" if near else "`cnnkit rule` lists the rules"
    return f"`{rule}` is expected, and there is no such rule", advice
