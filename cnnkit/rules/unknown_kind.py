"""There is no such kind of layer, and no such block.

## What it finds

A layer, or a key of `defaults:`, that is neither a kind nor a block of the spec. The help says what
it is called here, where the name is that of Keras, PyTorch or Flax, or what was probably misspelt.

## Why

What the layer does is unknown, and so is every shape and count after it.

## Example

```yaml
input: 28x28x1
layers:
  - MaxPool2d: {size: 2}
```

## Instead

```yaml
input: 28x28x1
layers:
  - max_pool: {size: 2}
```
"""
