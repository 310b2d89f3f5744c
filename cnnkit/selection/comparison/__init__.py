"""Runs compared with each other, as statistics demands."""
