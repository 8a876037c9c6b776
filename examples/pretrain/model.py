"""A GPT-2 in numpy, forward and backward by hand: learned positions, LayerNorm, causal attention, GELU, tied head.

Shapes: B batch, T tokens, d width, H heads. Every layer returns its output and a function from the gradient of the
output to the gradient of the input; on the way back it adds the gradients of its weights to ``grads``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Weights = dict[str, Array]
Backward = Callable[[Array], Array]
_GELU = np.sqrt(2 / np.pi)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Sizes, by the names of the config."""

    n_layer: int
    n_head: int
    n_embd: int
    block_size: int
    vocab_size: int


def parameters(config: Config, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32) -> Weights:
    """Return fresh parameters by name: normal with deviation 0.02, residual projections scaled down by the depth (Radford et al. 2019)."""
    width, deep = config.n_embd, 0.02 / np.sqrt(2 * config.n_layer)

    def normal(*shape: int, scale: float = 0.02) -> Array:
        return rng.normal(0, scale, shape).astype(dtype)

    weights: Weights = {"token": normal(config.vocab_size, width), "position": normal(config.block_size, width)}
    for layer in range(config.n_layer):
        weights |= _norm_weights(f"{layer}.norm1", width, dtype) | _norm_weights(f"{layer}.norm2", width, dtype)
        for name, rows, columns, scale in (("qkv", width, 3 * width, 0.02), ("out", width, width, deep),
                                           ("up", width, 4 * width, 0.02), ("down", 4 * width, width, deep)):  # fmt: skip
            weights[f"{layer}.{name}.weight"] = normal(rows, columns, scale=scale)
            weights[f"{layer}.{name}.bias"] = np.zeros(columns, dtype)
    return weights | _norm_weights("norm", width, dtype)


def _norm_weights(name: str, width: int, dtype: npt.DTypeLike) -> Weights:
    return {f"{name}.weight": np.ones(width, dtype), f"{name}.bias": np.zeros(width, dtype)}


def num_params(weights: Weights) -> int:
    """Return the number of parameters; the tied head has none of its own."""
    return sum(weight.size for weight in weights.values())


def loss_and_grads(
    weights: Weights, config: Config, inputs: npt.NDArray[np.int64], targets: npt.NDArray[np.int64]
) -> tuple[float, Weights]:
    """Return the mean cross-entropy in nats per token, and its gradient for every weight."""
    grads = {name: np.zeros_like(weight) for name, weight in weights.items()}
    tape = Tape(weights, grads, config.n_head)
    x = weights["token"][inputs] + weights["position"][: inputs.shape[1]]
    steps: list[Backward] = []
    for layer in range(config.n_layer):
        x, step = _residual(x, tape.norm(f"{layer}.norm1"), tape.linear(f"{layer}.qkv"), tape.attend, tape.linear(f"{layer}.out"))
        steps.append(step)
        x, step = _residual(x, tape.norm(f"{layer}.norm2"), tape.linear(f"{layer}.up"), gelu, tape.linear(f"{layer}.down"))
        steps.append(step)
    x, step = tape.norm("norm")(x)
    loss, gradient = _cross_entropy(tape, x, targets)
    for back in [step, *reversed(steps)]:
        gradient = back(gradient)
    np.add.at(grads["token"], inputs, gradient)
    grads["position"][: inputs.shape[1]] += gradient.sum(axis=0)
    return loss, grads


def _residual(x: Array, *layers: Callable[[Array], tuple[Array, Backward]]) -> tuple[Array, Backward]:
    y, back = _chain(x, *layers)
    return x + y, lambda gradient: gradient + back(gradient)


def _chain(x: Array, *layers: Callable[[Array], tuple[Array, Backward]]) -> tuple[Array, Backward]:
    steps = []
    for layer in layers:
        x, step = layer(x)
        steps.append(step)

    def backward(gradient: Array) -> Array:
        for step in reversed(steps):
            gradient = step(gradient)
        return gradient

    return x, backward


def gelu(x: Array) -> tuple[Array, Backward]:
    """GELU in its tanh form, as GPT-2 has it."""
    inner = np.tanh(_GELU * (x + 0.044715 * x**3))
    slope = 0.5 * (1 + inner) + 0.5 * x * (1 - inner**2) * _GELU * (1 + 3 * 0.044715 * x**2)
    return 0.5 * x * (1 + inner), lambda gradient: gradient * slope


@dataclass(frozen=True, slots=True)
class Tape:
    """The layers that have weights."""

    weights: Weights
    grads: Weights
    n_head: int

    def linear(self, name: str) -> Callable[[Array], tuple[Array, Backward]]:
        """X W + b."""

        def forward(x: Array) -> tuple[Array, Backward]:
            weight = self.weights[f"{name}.weight"]

            def backward(gradient: Array) -> Array:
                flat = gradient.reshape(-1, gradient.shape[-1])
                self.grads[f"{name}.weight"] += x.reshape(-1, x.shape[-1]).T @ flat
                self.grads[f"{name}.bias"] += flat.sum(axis=0)
                return gradient @ weight.T

            return x @ weight + self.weights[f"{name}.bias"], backward

        return forward

    def norm(self, name: str) -> Callable[[Array], tuple[Array, Backward]]:
        """LayerNorm over the last axis."""

        def forward(x: Array) -> tuple[Array, Backward]:
            scale = 1 / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
            unit = (x - x.mean(axis=-1, keepdims=True)) * scale

            def backward(gradient: Array) -> Array:
                self.grads[f"{name}.weight"] += (gradient * unit).sum(axis=(0, 1))
                self.grads[f"{name}.bias"] += gradient.sum(axis=(0, 1))
                g = gradient * self.weights[f"{name}.weight"]
                into_x: Array = scale * (g - g.mean(axis=-1, keepdims=True) - unit * (g * unit).mean(axis=-1, keepdims=True))
                return into_x

            return unit * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"], backward

        return forward

    def attend(self, qkv: Array) -> tuple[Array, Backward]:
        """Causal attention over packed queries, keys and values: (B, T, 3d) to (B, T, d)."""
        batch, length, packed = qkv.shape
        head = packed // 3 // self.n_head
        q, k, v = qkv.reshape(batch, length, 3, self.n_head, head).transpose(2, 0, 3, 1, 4)
        scores = q @ k.swapaxes(-1, -2) / np.sqrt(head).astype(qkv.dtype)
        scores = np.where(np.tril(np.ones((length, length), bool)), scores, np.array(-np.inf, qkv.dtype))
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)

        def backward(gradient: Array) -> Array:
            g = gradient.reshape(batch, length, self.n_head, head).swapaxes(1, 2)
            g_weights = g @ v.swapaxes(-1, -2)
            g_scores = weights * (g_weights - (g_weights * weights).sum(axis=-1, keepdims=True)) / np.sqrt(head).astype(qkv.dtype)
            parts = np.stack([g_scores @ k, g_scores.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ g])
            return parts.transpose(1, 3, 0, 2, 4).reshape(batch, length, packed)

        return (weights @ v).swapaxes(1, 2).reshape(batch, length, packed // 3), backward


def _cross_entropy(tape: Tape, x: Array, targets: npt.NDArray[np.int64]) -> tuple[float, Array]:
    """Return the loss of the tied head, and the gradient of its input."""
    table = tape.weights["token"]
    logits = x @ table.T
    logits -= logits.max(axis=-1, keepdims=True)
    probabilities = np.exp(logits)
    total = probabilities.sum(axis=-1, keepdims=True)
    picked = np.take_along_axis(logits, targets[..., None], axis=-1)
    loss = float((np.log(total) - picked).mean())
    probabilities /= total
    np.put_along_axis(probabilities, targets[..., None], np.take_along_axis(probabilities, targets[..., None], -1) - 1, axis=-1)
    probabilities /= targets.size
    tape.grads["token"] += probabilities.reshape(-1, len(table)).T @ x.reshape(-1, x.shape[-1])
    return loss, probabilities @ table
