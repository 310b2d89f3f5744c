"""A key is given twice in one mapping.

## What it finds

Two entries of one mapping with the same key, on any level; the first one is read on with.

## Why

YAML forbids it, and parsers keep the last one in silence. One of the two values then says something
that is not so: mostly a line was copied, or two edits were merged.

## Example

```yaml
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 3, filters: 16}
```

## Instead

```yaml
input: 28x28x1
layers:
  - conv: {filters: 16, kernel: 3}
```
"""
