"""What keeps the shape: activations, norms and noise."""

from keras import ops

from cnnkit.export.parts.keras.layer import Applied, Registered


class GlobalResponseNorm(Registered):
    """Each channel by its norm beside the mean norm of all, added to what comes in."""

    def __init__(self, epsilon: float = 1e-6, **kwargs) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        shape = input_shape[-1:]
        self.scale = self.add_weight(shape=shape, initializer="zeros", name="scale")
        self.shift = self.add_weight(shape=shape, initializer="zeros", name="shift")

    def call(self, x):
        axes = tuple(range(1, len(x.shape) - 1))
        norms = ops.sqrt(ops.sum(ops.square(x), axis=axes, keepdims=True))
        beside = norms / (ops.mean(norms, axis=-1, keepdims=True) + self.epsilon)
        return self.scale * (x * beside) + self.shift + x


class RmsNorm(Applied):
    """The root mean square normalization without a scale."""

    def of(self, x, epsilon: float):
        return x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + epsilon)


class Maxout(Applied):
    """The maximum over groups of `pieces` neighbouring channels."""

    def of(self, x, pieces: int):
        *extents, channels = x.shape[1:]
        return ops.max(ops.reshape(x, (-1, *extents, channels // pieces, pieces)), axis=-1)


class LocalResponseNorm(Applied):
    """X / (k + alpha * mean of the squares of `size` neighbouring channels) ** beta."""

    def of(self, x, size: int, alpha: float, beta: float, k: float):
        channels = x.shape[-1]
        sides = [(0, 0)] * (len(x.shape) - 1) + [(size // 2, (size - 1) // 2)]
        squares = ops.pad(x * x, sides)
        total = squares[..., :channels]
        for i in range(1, size):
            total = total + squares[..., i : i + channels]
        return x / (k + alpha / size * total) ** beta
