"""A ledger as text for a terminal: part by part, with its share of N and of C, and the sums with their conventions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from scalecheck.facts import Account, Counted, ModuleCount, Origin, Part
from scalecheck.parts import FLOPS_PER_PARAM_AND_TOKEN, stored_params, training_flops, used_copies
from scalecheck.text import clean, table
from scalecheck.units import format_scientific

_HEAD = ("part", "copies", "params", "of N", "FLOPs per token", "of C")
_LEFT_ALIGNED = (0,)
_SIX_N = (("total", "total_params"), ("active", "active_params"), ("non-embedding", "non_embedding_params"))


def lines(counted: Counted, paint: Callable[[str], str]) -> Iterator[str]:
    """Yield the ledger's lines; ``paint`` colours the words warning and note."""
    account, reading = counted.account, counted.reading
    if reading.shape is not None:
        because = reading.origins["family"].because if "family" in reading.origins else ""
        yield f"{clean(counted.source)}: {reading.shape.family} ({clean(because)}), {reading.shape.head}"
        yield ""
    if account.parts:
        yield from _ledger(account)
        yield ""
    if reading.module is not None:
        yield from _module(reading.module, account, paint)
        yield ""
    yield from _params(account)
    yield from _flops(account)
    for key in reading.unused_keys:
        family = reading.shape.family if reading.shape else "this family"
        yield f"{paint('warning')}: {clean(key)} is set, and {family} has no such part: it is not counted"
    assumed = [(name, origin) for name, origin in reading.origins.items() if origin.assumed]
    for name, origin in assumed:
        yield f"{paint('note')}: assumed: {_assumption(counted, name, origin)}"


def _assumption(counted: Counted, name: str, origin: Origin) -> str:
    value = getattr(counted.reading.shape, name, None) if name != "head" else None
    return f"{name}{'' if value is None else f'={value}'} ({clean(origin.because)})"


def _ledger(account: Account) -> Iterator[str]:
    total, flops, tokens = account.total_params, account.training_flops_per_sequence, account.sequence_length
    rows = [_row(part, account) for part in account.parts]
    last = ("total", "", _count(total), "", _per_token(flops, tokens), "")
    body = list(table([_HEAD, *rows, last], _LEFT_ALIGNED))
    rule = "-" * (sum(len(cell) for cell in body[0]) + 2 * (len(body[0]) - 1))
    for number, cells in enumerate(body):
        if number in (1, len(body) - 1):
            yield rule
        yield "  ".join(cells).rstrip()


def _row(part: Part, account: Account) -> tuple[str, ...]:
    used, params, flops = used_copies(part), stored_params(part), training_flops(part)
    return (
        f"{part.name} (frozen)" if part.frozen else part.name,
        f"{part.copies:,}" if used == part.copies else f"{used:,} of {part.copies:,}",
        _count(params),
        _share(params, account.total_params),
        _per_token(flops, account.sequence_length),
        _share(flops, account.training_flops_per_sequence),
    )


def _module(module: ModuleCount, account: Account, paint: Callable[[str], str]) -> Iterator[str]:
    """Yield what was counted on the real module, and whether the formula agrees."""
    yield f"{clean(module.target)}, as built by its own code on torch's meta device"
    rows = [(f"  {clean(path)}", _count(params), f"  {_share(params, module.total_params)}") for path, params in module.params_by_module]
    for cells in table([*rows, ("  total", _count(module.total_params), "")], (0,)):
        yield "  ".join(cells).rstrip()
    if module.forward_flops_per_sequence is None:
        yield f"  forward FLOPs were not counted on it: {clean(module.flops_because)}"
    else:
        yield f"  forward FLOPs per sequence, by torch's FlopCounterMode: {module.forward_flops_per_sequence:,}"
    if account.formula_params is not None and account.formula_params != module.total_params:
        formula, built = f"{account.formula_params:,}", f"{module.total_params:,}"
        yield f"{paint('warning')}: the formula gives {formula} parameters and the module has {built}; the module's are used"


def _params(account: Account) -> Iterator[str]:
    words = (
        ("total", account.total_params, ""),
        ("active", account.active_params, "met by one token"),
        ("trainable", account.trainable_params, ""),
        ("embedding", account.embedding_params, "input, output, position and token-type tables"),
        ("non-embedding", account.non_embedding_params, "the rest"),
    )
    yield f"parameters N ({account.params_status})"
    for cells in table([(f"  {name}", _count(value), f"  {says}") for name, value, says in words], (0, 2)):
        yield "  ".join(cells).rstrip()


def _flops(account: Account) -> Iterator[str]:
    length, flops = account.sequence_length, account.training_flops_per_sequence
    if length is None:
        yield "training FLOPs: unknown, the sequence length is not set; --sequence-length tells"
        return
    source = f" and {account.source_length:,} in the encoder" if account.source_length else ""
    yield f"training FLOPs C per token, at {length:,} tokens{source}"
    rows = [(f"  {account.attention} attention", _per_token(flops, length), "  forward + backward, 2 per multiply-add, no recomputation")]
    for name, field in _SIX_N:
        params = getattr(account, field)
        if name == "active" and params == account.total_params:
            continue
        off = "" if params is None or not flops else f"  {100 * (FLOPS_PER_PARAM_AND_TOKEN * params * length / flops - 1):+.1f} %"
        rows.append((f"  6N, {name} N", "unknown" if params is None else _figure(FLOPS_PER_PARAM_AND_TOKEN * params), off))
    for cells in table(rows, (0, 2)):
        yield "  ".join(cells).rstrip()
    yield f"training FLOPs C per sequence: {_count(flops)}"
    if account.flops_note:
        yield f"  {clean(account.flops_note)}"
    if account.training_flops is not None:
        yield f"training FLOPs C of the run: {format_scientific(account.training_flops)} ({clean(account.training_flops_because)})"


def _count(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"


def _share(value: int | None, total: int | None) -> str:
    return "" if value is None or not total else f"{100 * value / total:.1f} %"


def _per_token(flops: int | None, tokens: int | None) -> str:
    return "unknown" if flops is None or not tokens else _figure(flops // tokens) if flops % tokens == 0 else f"{flops / tokens:,.1f}"


def _figure(value: int) -> str:
    return f"{value:,}"
