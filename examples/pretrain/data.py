"""Text made on the spot, the same for the same seed, as bytes: one byte is one token."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Tokens = npt.NDArray[np.int64]
_WHO = ("the cat", "a dog", "my sister", "the old captain", "nobody", "the last train", "a model", "the sea")
_DOES = ("sees", "forgets", "follows", "carries", "answers", "overtakes", "remembers", "paints")
_WHOM = ("the moon", "a letter", "every door", "the other side", "its own tail", "a long road", "two birds", "the night")


def sentences(count: int, rng: np.random.Generator) -> str:
    """Return ``count`` sentences of a small grammar."""
    chosen = rng.integers(0, 8, size=(count, 3))
    return "".join(f"{_WHO[who]} {_DOES[does]} {_WHOM[whom]}.\n" for who, does, whom in chosen)


def sums(count: int, rng: np.random.Generator) -> str:
    """Return ``count`` sums of two numbers below a hundred."""
    chosen = rng.integers(0, 100, size=(count, 2))
    return "".join(f"{left}+{right}={left + right}\n" for left, right in chosen)


def tokens(name: str, count: int, seed: int) -> Tokens:
    """Return the named text as token ids below 256."""
    text = {"sentences": sentences, "digits": sums}[name](count, np.random.default_rng(seed))
    return np.frombuffer(text.encode(), dtype=np.uint8).astype(np.int64)


def batches(stream: Tokens, batch_size: int, seq_len: int, seed: int) -> Iterator[tuple[Tokens, Tokens]]:
    """Yield inputs and targets of shape (batch_size, seq_len), from random places, for ever."""
    rng = np.random.default_rng(seed)
    while True:
        starts = rng.integers(0, len(stream) - seq_len - 1, size=batch_size)
        windows = stream[starts[:, None] + np.arange(seq_len + 1)]
        yield windows[:, :-1], windows[:, 1:]
