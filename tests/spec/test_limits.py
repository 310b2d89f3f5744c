"""What is too large is refused at once, with the limit and the value."""

import pytest

from cnnkit.errors import Finding, Location
from cnnkit.spec.text.source import read_text


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1, findings
    assert findings[0].level == "error"
    return findings[0]


def span(location: Location | None) -> tuple[int, int, int, int]:
    assert location is not None
    return location.line, location.column, location.end_line, location.end_column


def test_a_billion_laughs_are_refused_before_they_are_expanded() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for name, before in zip("bcdefghij", "abcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    finding = only(read_text("\n".join(lines), "spec.yaml")[1])
    assert finding.rule == "too-large"
    assert finding.message == (
        "the spec has 539,744 values or more once its aliases are expanded; the limit is 500,000"
    )
    # The seventh alias of line 6: 74,734 values before it and 66,430 for each of them.
    assert span(finding.location) == (6, 32, 6, 34)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused(opening: str) -> None:
    node, findings = read_text(opening * 100_000, "spec.yaml")
    assert node is None
    finding = only(findings)
    assert finding.rule == "too-large"
    assert finding.message == "lists and mappings are nested 101 deep; the limit is 100"
    assert finding.help == "name the inner layers as a block in `blocks:`"
    assert finding.location is not None
    assert finding.location.column == 100 * len(opening) + 1


def test_nesting_up_to_the_limit_is_read() -> None:
    assert read_text("[" * 100 + "]" * 100, "spec.yaml")[1] == []


def test_nesting_by_a_chain_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 [1]"] + [f"a{i + 1}: &a{i + 1} [*a{i}]" for i in range(2_000)]
    finding = only(read_text("\n".join(lines), "spec.yaml")[1])
    assert finding.message == "lists and mappings are nested 101 deep; the limit is 100"
    assert finding.location is not None
    assert finding.location.line == 100


def test_an_integer_of_too_many_digits_is_refused() -> None:
    node, findings = read_text(f"a: {'9' * 41}\nb: {'9' * 40}\nc: 0x{'f' * 5_000}", "spec.yaml")
    assert node is not None
    assert node.plain()["b"] == 10**40 - 1
    assert [finding.rule for finding in findings] == ["too-large", "too-large"]
    message = f"the integer `{'9' * 39}…` has 41 digits; the limit is 40"
    assert findings[0].message == message
    assert span(findings[0].location) == (1, 4, 1, 45)


def test_a_scalar_of_too_many_characters_is_refused() -> None:
    for quote in ("", '"', "'"):
        _, findings = read_text(f"a: {quote}{'9' * 10**6}{quote}", "spec.yaml")
        finding = only(findings)
        assert finding.rule == "too-large"
        assert finding.message == "a value of 1,000,000 characters; the limit is 100,000"


def test_a_text_above_the_size_of_a_file_is_refused() -> None:
    finding = only(read_text(" " * (16 * 1024**2 + 1), "spec.yaml")[1])
    assert finding.rule == "too-large"
    assert finding.message == "the text is 16,777,217 characters long; the limit is 16,777,216"
