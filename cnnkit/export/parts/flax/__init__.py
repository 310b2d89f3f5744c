"""Helpers for what Flax has no layer of; channels are last, [N, *spatial, C]."""
