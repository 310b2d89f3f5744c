"""Names that no layer of a class may have: attributes of the modules of Flax and of PyTorch."""

from __future__ import annotations

RESERVED = frozenset(
    [
        *("add_module", "apply", "bfloat16", "buffers", "call_super_init", "children"),
        *("compile", "cpu", "cuda", "double", "dump_patches", "eval", "extra_repr"),
        *("float", "forward", "get_buffer", "get_extra_state", "get_parameter"),
        *("get_submodule", "half", "ipu", "iter_children", "iter_modules"),
        *("load_state_dict", "modules", "mtia", "name", "named_buffers"),
        *("named_children", "named_modules", "named_parameters", "parameters", "perturb"),
        *("register_backward_hook", "register_buffer", "register_forward_hook"),
        *("register_forward_pre_hook", "register_full_backward_hook"),
        *("register_full_backward_pre_hook", "register_load_state_dict_post_hook"),
        *("register_load_state_dict_pre_hook", "register_module", "register_parameter"),
        *("register_state_dict_post_hook", "register_state_dict_pre_hook"),
        *("requires_grad_", "rngs", "self", "set_attributes", "set_extra_state"),
        *("set_submodule", "share_memory", "sow", "state_dict", "T_destination", "to"),
        *("to_empty", "train", "training", "type", "x", "xpu", "zero_grad"),
    ]
)
"""With them what code in a method refers to; a test holds them to the installed frameworks."""
