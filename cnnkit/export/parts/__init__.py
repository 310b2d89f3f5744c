"""Helpers that generated files carry: read as text, never imported."""
