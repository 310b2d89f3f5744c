"""A chain of `extends:` comes back to where it began.

## What it finds

A spec that extends itself, or one that extends it in turn.

## Why

The chain has no first spec to start from. In the example the file is called `spec.yaml`.

## Example

```yaml
extends: spec.yaml
input: 32x32x3
layers:
  - conv: {filters: 8, kernel: 3, activation: relu}
```

## Instead

```yaml
input: 32x32x3
layers:
  - conv: {filters: 8, kernel: 3, activation: relu}
```
"""
