"""A user's own models, as training repos have them: what a config names in ``_target_``."""

from __future__ import annotations

import random
import sys
import urllib.request

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    """A decoder of no known family, with tied tables and frozen positions; attention is torch's own fused function."""

    def __init__(self, dim: int, depth: int, vocab: int, length: int = 64):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim)
        self.positions = nn.Parameter(torch.zeros(length, dim), requires_grad=False)
        self.blocks = nn.ModuleList(nn.ModuleDict({"qkv": nn.Linear(dim, 3 * dim), "out": nn.Linear(dim, dim)}) for _ in range(depth))
        self.head = nn.Linear(dim, vocab, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids):
        x = self.embed(ids) + self.positions[: ids.shape[1]]
        for block in self.blocks:
            q, k, v = block["qkv"](x).chunk(3, dim=-1)
            x = x + block["out"](F.scaled_dot_product_attention(q, k, v, is_causal=True))
        return self.head(x)


class Routed(nn.Module):
    """Experts that pick their tokens by value."""

    def __init__(self, dim: int = 8, experts: int = 4):
        super().__init__()
        self.embed = nn.Embedding(16, dim)
        self.router = nn.Linear(dim, experts)
        self.experts = nn.ModuleList(nn.Linear(dim, dim) for _ in range(experts))

    def forward(self, ids):
        x = self.embed(ids)
        best = self.router(x).argmax(-1)
        for number, expert in enumerate(self.experts):
            picked = torch.nonzero(best == number)
            x = x + expert(x[picked[:, 0], picked[:, 1]]).sum()
        return x


class Grouped(nn.Module):
    """Experts in one grouped matrix product, which torch's counter has no formula for."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(16, 16, dtype=torch.bfloat16)
        self.weight = nn.Parameter(torch.zeros(2, 16, 16, dtype=torch.bfloat16))

    def forward(self, ids):
        x = self.embed(ids).flatten(0, 1)
        half = x.shape[0] // 2
        return torch._grouped_mm(x, self.weight, offs=torch.tensor([half, 2 * half], dtype=torch.int32))


class Endless(Net):
    """One layer after another, for longer than anyone waits."""

    def forward(self, ids):
        while True:
            ids = ids + 1


class Images(nn.Module):
    """Takes pictures."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 4)

    def forward(self, pixel_values):
        return self.patch(pixel_values)


class Lazy(nn.Module):
    """Finds its sizes out at the first forward pass."""

    def __init__(self):
        super().__init__()
        self.up = nn.LazyLinear(8)

    def forward(self, ids):
        return self.up(ids)


class NeedsTokenizer(nn.Module):
    """Cannot be built from the config alone."""

    def __init__(self, dim: int, tokenizer, vocab_size: int):
        super().__init__()
        self.embed = nn.Embedding(vocab_size, dim)


class Drops(nn.Module):
    """Reads the values of a tensor while it is built, as stochastic depth often does."""

    def __init__(self):
        super().__init__()
        self.rates = [rate.item() for rate in torch.linspace(0, 0.1, 4)]


class Ends(nn.Module):
    """Ends the program, with the exit code of success."""

    def __init__(self, code: int = 0):
        sys.exit(code)


class Interrupted(nn.Module):
    """Stands for the user's Ctrl-C."""

    def __init__(self):
        raise KeyboardInterrupt


class Broken(nn.Module):
    """Has a bug."""

    def __init__(self):
        raise ValueError("depth must be even\nsecond line")


class Downloads(nn.Module):
    """Fetches its weights while it is built."""

    def __init__(self, tries: int = 1):
        super().__init__()
        for number in range(tries):
            try:
                urllib.request.urlopen("https://weights.example/model.bin", timeout=5)
            except Exception:
                if number + 1 == tries:
                    raise


class Disturbs(Net):
    """Draws random numbers and prints while it is built."""

    def __init__(self):
        print("BUILDING")
        random.random()
        torch.rand(3, device="cpu")
        super().__init__(8, 1, 16)


class Cuda(nn.Module):
    """Asks for a device."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3, device="cuda"))


class Flash(nn.Module):
    """Needs a compiled package."""

    def __init__(self):
        import flash_attn_of_nobody  # noqa: F401


def build(cfg):
    assert "hydra" not in cfg, "the app's own function gets no hydra node either"
    return Net(cfg.net.dim, cfg.net.depth, vocab=16)


def number(cfg):
    return 3


BUILT: list[str] = []


def counted_build(name: str):
    BUILT.append(name)
    return Net(8, 1, 16)


NOT_CALLABLE = 3
