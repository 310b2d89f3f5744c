"""A framework cannot say exactly what a layer does.

## What it finds

A layer that `cnnkit convert` is to write in the code of another framework, and that none of its
layers computes: `--to keras` has no groups in transposed convolutions, nor a stride and a dilation
in one of them. Only `convert` finds it; `check` knows no target.

## Why

Code that computes something else than the spec would be worse than none: its counts and its
results would differ in silence.

## Example

```yaml
# cnnkit convert SPEC --to keras
input: 8x8x8
layers:
  - transposed_conv: {filters: 8, kernel: 2, stride: 2, groups: 2}
```

## Instead

```yaml
input: 8x8x8
layers:
  - transposed_conv: {filters: 8, kernel: 2, stride: 2}
```
"""
