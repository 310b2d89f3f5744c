"""A file cannot be read.

## What it finds

A file that has vanished, may not be read, is binary, empty or in an encoding that is not Unicode;
and one that `extends:` names that does not exist or lies outside the folder of the spec.

## Why

One broken file must not keep the others from being checked, so it is a finding among them. A spec
reads only files of its own folder and those below it: a spec from elsewhere must not look round in
your files.

## Example

```yaml
extends: no-such-file.yaml
input: 28x28x1
layers:
  - flatten
```

## Instead

```yaml
input: 28x28x1
layers:
  - flatten
```
"""
