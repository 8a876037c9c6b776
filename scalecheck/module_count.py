"""What a real torch module has: unique parameters by the paths of its modules, and the FLOPs that torch sees in its forward pass.

torch is imported inside the functions: whoever has a module has it already.
"""

from __future__ import annotations

import inspect
import logging
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from scalecheck.build_failures import first_line
from scalecheck.errors import ConfigError
from scalecheck.facts import ModuleCount

MAX_ROWS = 48
MAX_FORWARD_SECONDS = 120.0
_NOT_TOKENS = ("pixel_values", "input_features", "input_values", "inputs_embeds")
_CHOICES = (("set_attn_implementation", "eager"), ("set_experts_implementation", "batched_mm"))
_NO_STORAGE = ("meta tensor", "aten.nonzero", "aten._local_scalar_dense", "torch.nonzero", "data-dependent", "DynamicOutputShape")


class _TooLongError(Exception):
    """The forward pass takes more operations than anyone waits for."""


def count_parameters(module: Any, *, trainable: bool = True) -> int:
    """Return the parameters of a live torch module: each tensor once, by identity, so that tied weights count once.

    ``trainable`` leaves out those with ``requires_grad=False``; with ``trainable=False`` all are counted. Buffers are no parameters.

    Raises:
        ConfigError: the module has lazy parameters, which have no size before their first forward pass.
        TypeError: ``module`` is not a ``torch.nn.Module``.
    """
    return sum(parameter.numel() for _, parameter in _unique(module) if parameter.requires_grad or not trainable)


def count_module(module: Any, target: str, sequence_length: int | None) -> ModuleCount:
    """Count a module that was built only to be counted: it is set to ``eval`` and, where it has a choice, to kernels that are seen.

    ``forward_flops_per_sequence`` is of one sequence of ``sequence_length`` tokens.

    Raises:
        ConfigError: as ``count_parameters``.
        TypeError: as ``count_parameters``.
    """
    owned = _unique(module)
    flops, because = _forward_flops(module, sequence_length)
    return ModuleCount(
        target=target,
        total_params=sum(parameter.numel() for _, parameter in owned),
        trainable_params=sum(parameter.numel() for _, parameter in owned if parameter.requires_grad),
        params_by_module=_rows([(name, parameter.numel()) for name, parameter in owned]),
        sequence_length=sequence_length,
        forward_flops_per_sequence=flops,
        flops_because=because,
    )


def _unique(module: Any) -> list[tuple[str, Any]]:
    """Return each parameter tensor once, under the first of its names."""
    from torch.nn import Module
    from torch.nn.parameter import is_lazy

    if not isinstance(module, Module):
        message = f"count_parameters needs a torch.nn.Module, not a {type(module).__name__}"
        raise TypeError(message)
    owned = list(module.named_parameters())  # torch itself leaves out a tensor that it has met before
    lazy = [name for name, parameter in owned if is_lazy(parameter)]
    if lazy:
        more = f" and {len(lazy) - 1} more" if len(lazy) > 1 else ""
        message = f"{lazy[0]}{more} is lazy: it has no size before its first forward pass; run one, then count"
        raise ConfigError(message)
    return owned


def _rows(sizes: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Return sums by module path, as deep as ``MAX_ROWS`` allows; repeated layers, whose names are numbers, are one row."""
    paths = [(tuple("*" if step.isdecimal() else step for step in name.split(".")), size) for name, size in sizes]
    deepest = max((len(path) for path, _ in paths), default=1)
    for depth in range(max(1, deepest - 1), 0, -1):
        rows: Counter[str] = Counter()
        for path, size in paths:
            rows[".".join(path[: max(1, min(depth, len(path) - 1))])] += size
        if len(rows) <= MAX_ROWS:
            return tuple(rows.items())
    largest = rows.most_common()
    rest = sum(size for _, size in largest[MAX_ROWS - 1 :])
    return (*largest[: MAX_ROWS - 1], (f"({len(largest) - MAX_ROWS + 1} smaller ones)", rest))


def _forward_flops(module: Any, length: int | None) -> tuple[int | None, str]:
    """Return what torch's counter sees in one forward pass, or ``None`` and why it does not run."""
    if not length or length < 0:
        return None, "the sequence length is unknown"
    first = next(iter(inspect.signature(module.forward).parameters), "")
    if first in _NOT_TOKENS:
        return None, f"its forward takes {first} first, not tokens"
    try:
        with _quietly():
            _prepare(module)
            flops, unseen = _counted_forward(module, length)
    except _TooLongError:
        return None, f"its forward pass took more than {MAX_FORWARD_SECONDS:.0f} s"
    except Exception as failure:  # noqa: BLE001 - the module is the user's: it may raise anything
        return None, _why(failure)
    if unseen:
        return None, f"torch's counter has no formula for {', '.join(unseen)}"
    return (flops, "") if flops else (None, "its forward pass has no matrix product that torch's counter sees")


def _why(failure: Exception) -> str:
    said = f"{type(failure).__name__}: {first_line(failure)}"
    if any(word in said for word in _NO_STORAGE):
        return f"its forward pass depends on the values of its tensors, and there are none ({said})"
    return f"its forward pass does not run on tokens alone ({said})"


def _prepare(module: Any) -> None:
    """Set what the counter cannot see to what it can: torch 2.13 counts grouped matrix products, and some fused attention, as 0.

    The names are transformers' own; a module that has none of them is left as it is.
    """
    module.eval()
    for part in module.modules():
        for name, choice in _CHOICES:
            setter: Callable[[str], None] | None = getattr(part, name, None)
            if callable(setter):
                try:
                    setter(choice)
                except Exception:  # noqa: BLE001, S112 - a model that has no such choice refuses it and keeps its own
                    continue


def _counted_forward(module: Any, length: int) -> tuple[int, list[str]]:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    counter, unseen = FlopCounterMode(display=False), set[str]()
    with torch.device("meta"), torch.no_grad():
        tokens = torch.zeros((1, length), dtype=torch.int64)
        fake = _fake_mode()
        with fake or nullcontext(), _watch(unseen), counter:
            ids = fake.from_tensor(tokens) if fake else tokens
            if getattr(getattr(module, "config", None), "is_encoder_decoder", False):
                module(ids, decoder_input_ids=ids)
            else:
                module(ids)
    return counter.get_total_flops(), sorted(unseen)


def _fake_mode() -> Any:
    """Return the mode that says of a meta tensor that it is one: transformers then leaves out what looks into a mask."""
    try:
        from torch._subclasses.fake_tensor import FakeTensorMode
    except ImportError:  # the name is private to torch
        return None
    return FakeTensorMode(allow_non_fake_inputs=True)


def _watch(unseen: set[str]) -> Any:
    """Return a mode that notes the products which the counter has no formula for, and ends what takes too long."""
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import flop_registry

    deadline = time.monotonic() + MAX_FORWARD_SECONDS

    class Watch(TorchDispatchMode):  # type: ignore[misc, unused-ignore]  # torch is not there when mypy runs
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if time.monotonic() > deadline:
                raise _TooLongError
            name = str(func.overloadpacket)
            if func.overloadpacket not in flop_registry and any(word in name for word in ("_mm", "scaled_dot_product", "attention")):
                unseen.add(name)
            return func(*args, **(kwargs or {}))

    return Watch()


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep libraries from warning about what we chose and the user did not."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
