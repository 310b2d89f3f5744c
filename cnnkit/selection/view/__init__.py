"""What is told of folds, trials and comparisons."""
