"""Something that has no default is left out.

## What it finds

A spec without `input` or `layers`, a layer without a field that it needs, such as the `filters` of
a convolution, a block without its `layers`, and the use of a block without an argument that is
`required`.

## Why

There is no value that would be right more often than wrong. What the field takes is said in the
help.

## Example

```yaml
input: 28x28x1
layers:
  - conv: {filters: 8}
```

## Instead

```yaml
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 3}
```
"""
