"""Branches that meet look at different places of the input.

## What it finds

Branches of equal shape that are joined, though their cells differ in effective stride or in the
centre of their receptive fields, along any axis. Centres that are at most half a cell apart, in
cells of the map where they meet, are a note, `info`: an even kernel or an even extent leaves no
other choice, and many published networks have them. Joins whose branches are as far apart as those
of another have one cause, and are told once.

A branch that has been pooled globally has no place, and is left alone. So are causal branches,
which end alike, not centred alike: along one axis of time, or where neither looks ahead of its own
cell.

## Why

Cell i of one branch and cell i of the other are added or stacked as if they spoke of the same spot
of the input. Where one branch pads or strides otherwise, they do not: the features are blurred, and
a feature map no longer maps (Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional
Neural Networks", 2019). The shapes agree, so nothing else reports it.

## Example

```yaml
input: 32x32x8
layers:
  - parallel:
      branches:
        - - conv: {filters: 8, kernel: 5, padding: [[0, 4], [0, 4]], activation: relu}
        - - conv: {filters: 8, kernel: 3, padding: 1, activation: relu}
```

## Instead

```yaml
input: 32x32x8
layers:
  - parallel:
      branches:
        - - conv: {filters: 8, kernel: 5, padding: 2, activation: relu}
        - - conv: {filters: 8, kernel: 3, padding: 1, activation: relu}
```
"""
