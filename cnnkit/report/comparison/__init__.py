"""A comparison of two networks, as text."""
