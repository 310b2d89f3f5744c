"""A window is larger than the map it slides over.

## What it finds

A convolution or pool whose window F′ = dilation·(F − 1) + 1 covers more cells than the map and its
padding have; a transposed convolution whose padding cuts off all that it makes.

## Why

There is no place to put the window, so there is no output. Flax gives an empty map in silence, and
the mean of nothing is NaN. Mostly the map has been pooled too often, or the input is smaller than
the network was made for.

## Example

```yaml
input: 7x7x3
layers:
  - conv: {filters: 16, kernel: 11}
```

## Instead

```yaml
input: 7x7x3
layers:
  - conv: {filters: 16, kernel: 7}
```
"""
