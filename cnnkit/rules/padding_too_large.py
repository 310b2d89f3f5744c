"""There is more padding than the map can fill, or than a pool can use.

## What it finds

`padding_mode: reflect` or `circular` with more padding than the map has cells to repeat; a pool
whose first or last window lies in the padding altogether; `same` padding is never too large.

## Why

Reflected padding mirrors at the border cell and circular padding comes from the other side: both
end where the map ends, and frameworks differ, or fail, beyond. The padding of a pool holds nothing,
so a window of only padding would be the maximum or mean of no cells.

## Example

```yaml
input: 5x5x8
layers:
  - max_pool: {size: 3, stride: 2, padding: 3}
```

## Instead

```yaml
input: 5x5x8
layers:
  - max_pool: {size: 3, stride: 2, padding: 1}
```
"""
