"""Choosing between networks: cross-validation, search, comparison; as statistics demands."""
