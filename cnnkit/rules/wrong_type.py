"""A value is of another kind than its field takes.

## What it finds

A string where a number is wanted, a mapping where a list is, and so on. YAML 1.2 decides what is
what: `yes` and `on` are strings, `1e-3` is a number. `true` is not taken for 1, nor `"3"` for 3; a
whole float such as 3.0 is accepted as an integer.

## Why

To convert in silence is to guess. `kernel: true` is a mistake, though a lenient reader makes a
kernel of 1 of it.

## Example

```yaml
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: three}
```

## Instead

```yaml
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 3}
```
"""
