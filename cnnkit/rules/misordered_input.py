"""The shape of the input looks like that of another framework: channels or examples first.

## What it finds

An `input:` of two or three spatial axes whose first extent is 1, 3 or 4 and whose others are large,
or a signal of so few cells with 64 channels or more: the order of PyTorch. And one of three
spatial axes that looks like several images, 32x224x224x3, or like a single one, 1x28x28x1. It is a
note, `info`, for the shape may be what is meant: a short video has 16x112x112x3.

## Why

The shape is that of one example, its channels last. 3x32x32 is a map of 3 rows and 32 columns with
32 channels: all shapes and counts that follow are those of another network, and nothing else says
so.

## Example

```yaml
input: 3x32x32
layers:
  - conv: {filters: 8, kernel: 3, padding: same, activation: relu}
```

## Instead

```yaml
input: 32x32x3
layers:
  - conv: {filters: 8, kernel: 3, padding: same, activation: relu}
```
"""
