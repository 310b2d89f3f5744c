"""The spec exceeds a limit of what is read or expanded.

## What it finds

A file, value or nesting above the limits of reading; aliases that multiply into more than half a
million values; blocks and repeats that expand to more than 200,000 layers; axes above 10^40; a
number of more digits than a count can have. The message names the limit and the value.

## Why

A few lines can stand for billions: a repeat in a repeat, or the "billion laughs" of aliases.
Whoever checks the specs of others must not be brought to a halt by one of them. The limits are far
above any network that has been trained: real ones have a few thousand operations.

## Example

```yaml
input: 32x32x3
layers:
  - repeat: {times: 1000000, layers: [relu]}
```

## Instead

```yaml
input: 32x32x3
layers:
  - repeat: {times: 10, layers: [relu]}
```
"""
