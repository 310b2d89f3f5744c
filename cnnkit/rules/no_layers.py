"""The list of layers is empty.

## What it finds

`layers: []`.

## Why

The network gives its input as it is: there is nothing to compute or to train. Mostly the layers are
still to be written.

## Example

```yaml
input: 28x28x1
layers: []
```

## Instead

```yaml
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 3}
```
"""
