"""The program of a part of a network, as the extension runs it for inference."""

from __future__ import annotations

import ctypes
import math
import struct
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from cnnkit.errors import CnnkitError
from cnnkit.layers.shape import Shape

TARGET = "cnnkit_onednn_infer_2"
"""The name of the foreign function; a changed meaning is a new name, for programs are kept."""

KINDS = (
    "convolution", "dense", "pool", "global_mean", "function", "binary", "concatenation", "affine",
)  # fmt: skip
FUNCTIONS = (
    "", "relu", "clip", "elu", "swish", "logistic", "tanh", "gelu", "gelu_tanh", "hard_swish",
    "hard_sigmoid", "mish", "soft_relu",
)  # fmt: skip
POOLS = ("max", "mean_of_input", "mean_of_padded")
BINARIES = ("add", "subtract", "multiply", "maximum", "minimum")
# In the order in which `program.h` and `program.cc` have them.

_MESSAGE = 1024


class RefusedProgramError(CnnkitError):
    """oneDNN has no primitive for an instruction."""


class Post(NamedTuple):
    """What is done to a result before it is written.

    Attributes:
        function: One of ``FUNCTIONS``; empty where a value is added.
        alpha: The function's first parameter, in oneDNN's words.
        beta: Its second.
        value: What is added, of the result's shape.
    """

    function: str
    alpha: float = 0.0
    beta: float = 0.0
    value: int = 0


class Windows(NamedTuple):
    """The sliding window of a convolution or pool, a number for each spatial axis."""

    size: Shape = ()
    stride: Shape = ()
    before: Shape = ()
    after: Shape = ()
    dilation: Shape = ()


_NO_WINDOWS = Windows()


@dataclass
class Instruction:
    """One operation; values are named by numbers.

    Attributes:
        kind: One of ``KINDS``.
        output: The value that it gives.
        inputs: The values that it reads.
        algorithm: Of a pool one of ``POOLS``, of a binary operation one of ``BINARIES``.
        groups: Of a convolution.
        windows: Of a convolution or pool.
        weights: Filters ``[*size, channels / groups, filters]``, or the factors of an affine one.
        bias: What is added to each channel.
        posts: What is done to the result, in order.
    """

    kind: str
    output: int
    inputs: tuple[int, ...]
    algorithm: str = ""
    groups: int = 1
    windows: Windows = _NO_WINDOWS
    weights: NDArray[np.float32] | None = None
    bias: NDArray[np.float32] | None = None
    posts: list[Post] = field(default_factory=list)


class InferenceProgram:
    """A program that the extension keeps, until this object is gone.

    Attributes:
        number: What it is called by; an operand, so that a compiled program serves any weights.
    """

    def __init__(
        self,
        library: str,
        shapes: Sequence[Shape],
        inputs: Sequence[int],
        outputs: Sequence[int],
        instructions: Sequence[Instruction],
        watched: Sequence[int] = (),
        furthest: float = math.inf,
    ) -> None:
        """The program of instructions, each after those whose values it reads.

        An example of which an input or a value that is watched lies further from zero than it
        may, or is NaN, has outputs of NaN.

        Args:
            library: The path of the extension.
            shapes: Of one example of each value, ``[*spatial, channels]``.
            inputs: The values that are given.
            outputs: The values that are asked for.
            instructions: What is computed.
            watched: The values that are looked at.
            furthest: How far from zero they and the inputs may lie.

        Raises:
            RefusedProgramError: oneDNN cannot compute it.
        """
        arrays: list[NDArray[np.float32]] = []
        code = [len(shapes)]
        for numbers in (*shapes, inputs, outputs, watched):
            code += _listed(numbers)
        code += [_bits(furthest), len(instructions)]
        for each in instructions:
            code += _written(each, arrays)
        pointers = (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
        message = ctypes.create_string_buffer(_MESSAGE)
        extension = _opened(library)
        number = extension.CnnkitAddModel(
            (ctypes.c_int64 * len(code))(*code),
            len(code),
            pointers,
            (ctypes.c_int64 * len(arrays))(*(array.size for array in arrays)),
            len(arrays),
            message,
            _MESSAGE,
        )
        if not number:
            raise RefusedProgramError(message.value.decode(errors="replace"))
        self.number = jnp.int32(number)
        self._shapes = [tuple(shapes[output]) for output in outputs]
        weakref.finalize(self, extension.CnnkitRemoveModel, number)

    def call(self, number: Array, inputs: Sequence[Array]) -> list[Array]:
        """The outputs ``[N, …]`` of inputs ``[N, …]``, float32, inside a program of a CPU."""
        results = [
            jax.ShapeDtypeStruct((inputs[0].shape[0], *shape), jnp.float32)
            for shape in self._shapes
        ]
        return [*jax.ffi.ffi_call(TARGET, results)(number, *inputs)]


def _opened(path: str) -> Any:
    library = ctypes.CDLL(path)
    library.CnnkitAddModel.restype = ctypes.c_int32
    library.CnnkitAddModel.argtypes = [
        ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64,
        ctypes.c_char_p, ctypes.c_int64,
    ]  # fmt: skip
    library.CnnkitRemoveModel.restype = None
    library.CnnkitRemoveModel.argtypes = [ctypes.c_int32]
    return library


def _written(each: Instruction, arrays: list[NDArray[np.float32]]) -> list[int]:
    """The numbers of an instruction, as ``program.cc`` reads them."""
    algorithms = {"pool": POOLS, "binary": BINARIES}.get(each.kind, ("",))
    code = [KINDS.index(each.kind), each.output, *_listed(each.inputs)]
    code += [algorithms.index(each.algorithm), each.groups]
    for extents in each.windows:
        code += _listed(extents)
    for array in (each.weights, each.bias):
        if array is not None:
            arrays.append(np.ascontiguousarray(array, np.float32))
        code.append(len(arrays) if array is not None else 0)
    code.append(len(each.posts))
    for post in each.posts:
        code += [FUNCTIONS.index(post.function), _bits(post.alpha), _bits(post.beta), post.value]
    return code


def _listed(numbers: Sequence[int]) -> list[int]:
    return [len(numbers), *numbers]


def _bits(number: float) -> int:
    bits: int = struct.unpack("<q", struct.pack("<d", number))[0]
    return bits
