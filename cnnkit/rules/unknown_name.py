"""A name is used that nothing has been given.

## What it finds

A tensor that `load`, `merge` or `crop` reads and that is not saved before, in the same list of
layers or one round it, nor one of the `inputs`; a layer that `shared` applies and that has not been
named there; and the name of a rule that does not exist, in `rules:`, in a configuration
or in a comment `# cnnkit: ignore[…]`. Also the path of a layer that is not there, in
`train.freeze` and in `train.learning_rate.layers`.

## Why

A tensor that is saved inside a block or branch is seen there only, so that a block can be used
twice. A rule that is misspelt would be ignored nowhere, and nobody would know.

## Example

```yaml
input: 32x32x8
layers:
  - save: skip
  - conv: {filters: 8, kernel: 3, padding: same, activation: relu}
  - merge: {with: skp}
  - merge: {with: skip}
```

## Instead

```yaml
input: 32x32x8
layers:
  - save: skip
  - conv: {filters: 8, kernel: 3, padding: same, activation: relu}
  - merge: {with: skip}
```
"""
