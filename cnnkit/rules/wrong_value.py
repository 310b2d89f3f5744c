"""A value is of the right kind, and impossible.

## What it finds

A number out of its range, such as a kernel of 0 or a dropout of rate 1; a word that is not one of
those a field takes; a name that cannot be one.

## Why

The network could not be built, or, as with a rate of 1, would give nothing. What the field takes is
said in the help.

## Example

```yaml
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 3, padding: full}
```

## Instead

```yaml
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 3, padding: same}
```
"""
