"""Two layers of one list have the same name.

## What it finds

A `name:` that is given twice in one list of layers.

## Why

A name is a part of the layer's path, by which `--set`, a search and the saved weights find it: two
layers at one path would overwrite each other.

## Example

```yaml
input: 28x28x1
layers:
  - {name: stem, conv: {filters: 8, kernel: 3, activation: relu}}
  - {name: stem, conv: {filters: 8, kernel: 3, activation: relu}}
```

## Instead

```yaml
input: 28x28x1
layers:
  - {name: stem, conv: {filters: 8, kernel: 3, activation: relu}}
  - {name: second, conv: {filters: 8, kernel: 3, activation: relu}}
```
"""
