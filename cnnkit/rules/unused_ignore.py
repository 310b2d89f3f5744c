"""A comment ignores a finding that is not there.

## What it finds

A comment `# cnnkit: ignore[…]` for a rule that finds nothing on its line, or without names where
there is nothing at all to ignore.

## Why

The fault was mended and the comment stayed; it would hide the next one. Or it stands on another
line than the fault: the comment counts for the line that the finding names.

## Example

```yaml
input: 32x32x3
layers:
  - conv: {filters: 8, kernel: 3, padding: same} # cnnkit: ignore[redundant-bias]
  - relu
```

## Instead

```yaml
input: 32x32x3
layers:
  - conv: {filters: 8, kernel: 3, padding: same}
  - relu
```
"""
