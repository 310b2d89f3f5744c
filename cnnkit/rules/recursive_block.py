"""A block uses itself, directly or by others.

## What it finds

A block whose expansion comes back to itself; the message shows the way round. Blocks may use other
blocks, 40 deep.

## Why

The expansion would never end. A block repeats by `repeat`, whose number of times is known.

## Example

```yaml
input: 32x32x3
blocks:
  unit:
    layers:
      - conv: {filters: 8, kernel: 3, padding: same, activation: relu}
      - unit
layers:
  - unit
```

## Instead

```yaml
input: 32x32x3
blocks:
  unit:
    layers:
      - conv: {filters: 8, kernel: 3, padding: same, activation: relu}
layers:
  - repeat: {times: 3, layers: [unit]}
```
"""
