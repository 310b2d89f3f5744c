"""An expression after `$` cannot be read or evaluated.

## What it finds

`$name` of a variable that is not defined; `$(…)` with a fault of syntax, an operation that the
values do not allow, such as a division by 0, or one beyond the language: attributes, imports and
functions other than its own.

## Why

Expressions are a small language of numbers, strings and lists, read by a grammar of its own and
never by `eval`, so a spec can compute widths and depths, and nothing else.

## Example

```yaml
input: 32x32x3
variables: {width: 16}
layers:
  - conv: {filters: $(2 * widht), kernel: 3, activation: relu}
  - conv: {filters: $width, kernel: 3, activation: relu}
```

## Instead

```yaml
input: 32x32x3
variables: {width: 16}
layers:
  - conv: {filters: $(2 * width), kernel: 3, activation: relu}
  - conv: {filters: $width, kernel: 3, activation: relu}
```
"""
