"""Helpers for what PyTorch has no layer of; channels are first, [N, C, *spatial]."""
