"""The text is not YAML.

## What it finds

Whatever keeps the text from being read: a bracket or quote that is not closed, a tab in the
indentation, an entry indented unlike its neighbours, a `:` without the space after it, an alias
without its anchor. Reading stops here, so there may be more.

## Why

What cannot be read cannot be checked. The place that is shown is where reading failed; the cause
may stand just before it, and is shown where it is known. JSON is read as well: it is YAML.

## Example

```yaml
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 3
```

## Instead

```yaml
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 3}
```
"""
