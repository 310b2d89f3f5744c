"""A trained network as the extension for CPUs runs it: folded, fused, and in oneDNN's layouts.

    engine = engine_of(graph, network, fold)
    network.outputs(x, taken=engine.taken(engine.numbers))      # inside a compiled function

``lowering`` says what each node is in oneDNN's words, ``fusing`` makes one of several. Runs of
nodes that can all be said so become programs (``kernels.onednn.inference``) where a convolution is
among them; all others are computed as they are in training. ``bounds`` says which values are looked
at, so that what leaves float32 is NaN in the end.
"""

from __future__ import annotations

from cnnkit.network.inference.engine import InferenceEngine, engine_of

__all__ = ["InferenceEngine", "engine_of"]
