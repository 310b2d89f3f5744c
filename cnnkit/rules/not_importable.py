"""A model cannot be read, or does what no layer says.

## What it finds

A file that `cnnkit import` is to read and that is damaged, lies about its sizes or reads other
files than those of its folder; and a node whose operator, or whose way of using it, the language
has no words for. Each such node is named, all in one run. Only `import` finds it, and commands that
are given a model in the place of a spec.

## Why

A spec that is nearly the model is none: its counts would be wrong, and its weights have no place.

## Example

```yaml
# A model with a node of LSTM behind this convolution
input: 8x8x3
layers:
  - conv: {filters: 4, kernel: 3}
```

## Instead

```yaml
input: 8x8x3
layers:
  - conv: {filters: 4, kernel: 3, activation: relu}
  - conv: {filters: 8, kernel: 3}
```
"""
