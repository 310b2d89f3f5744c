"""A layer cannot work on the shape that reaches it.

## What it finds

A dense layer on a feature map, or a convolution on a vector; branches of unlike shape at a merge,
with the axes that differ; channels that do not split into the `groups`; a `reshape` that would lose
or invent elements; `weights:` of another shape than the layer's; a list that has not one entry for
each axis.

## Why

No framework can run this network either; most say so only once it is built, in terms of their own
internals. The help computes what would fit: the `flatten`, the 1x1 convolution, or the divisors.

## Example

```yaml
input: 28x28x1
layers:
  - dense: {units: 10}
```

## Instead

```yaml
input: 28x28x1
layers:
  - flatten
  - dense: {units: 10}
```
"""
