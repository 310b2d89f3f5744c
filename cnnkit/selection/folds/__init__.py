"""Cross-validation: the folds, and the directory that keeps them."""
