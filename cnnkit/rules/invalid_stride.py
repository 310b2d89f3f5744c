"""A stride does not fit: the windows do not end where the map ends.

## What it finds

A convolution or pool for which (D + P − F′)/S + 1 is not an integer, along any axis: D the extent
of the map, P the padding of both sides together, F′ = dilation·(F − 1) + 1 the window, S the
stride. It is an error under `rounding: exact`, the default. The help lists the nearest strides,
kernels, paddings and inputs that fit, each computed and checked.

## Why

The combination of D, F and S is invalid: a filter cannot take a fraction of a step. Frameworks
round down in silence, and the last rows and columns of the map are never read. With `rounding:
floor` you can say that this is meant, as it is in many published networks; `unread-border` then
says what is lost.

## Example

```yaml
input: 7x7x3
layers:
  - conv: {filters: 6, kernel: 3, stride: 3}
```

## Instead

```yaml
input: 7x7x3
layers:
  - conv: {filters: 6, kernel: 3, stride: 2}
```
"""
