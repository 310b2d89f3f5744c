"""Findings as text: one file a format."""
