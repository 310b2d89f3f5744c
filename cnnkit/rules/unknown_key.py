"""A key stands where there is no such field, section or argument.

## What it finds

A section of a spec, a field of a layer or section, or an argument of a block that does not exist;
YAML 1.1's merge key `<<`. The help says which one was probably meant, also where the name is that
of another framework.

## Why

A misspelt field would leave the default in place without a word: `strides: 2` would be a stride of
1. So nothing that is written is passed over.

## Example

```yaml
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 4, strides: 2}
```

## Instead

```yaml
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 4, stride: 2}
```
"""
