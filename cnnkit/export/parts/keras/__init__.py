"""Helpers for what Keras has no layer of; channels are last, [N, *spatial, C]."""
