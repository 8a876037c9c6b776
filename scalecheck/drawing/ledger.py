"""A ledger as paired bars: each part's share of the parameters and of the training FLOPs, for one model or for a few beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from scalecheck.drawing.bars import Bar, Panel, draw
from scalecheck.drawing.scene import Picture, Table
from scalecheck.drawing.words import percent, short
from scalecheck.facts import Account, Part
from scalecheck.parts import active_params, stored_params, training_flops, used_copies
from scalecheck.text import clean
from scalecheck.units import format_count, format_scientific
from scalecheck.values import dataclass

TITLE = "Where the parameters and the FLOPs are, part by part"
MOST_MODELS = 4
_HEAD = ("part", "copies", "params", "active", "of N", "FLOPs per token", "of C")
_SMALL = {1: 0.03, 2: 0.15}
"""A part below this share, of N and of C alike, is drawn with the others of its block; by the columns of a picture, as two are coarser."""
_TINY = 0.01
"""A block below this share is drawn with all the others like it."""
_MOST_BARS = {1: 14, 2: 11}
_PRINTED_IN_FULL = 10**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model with a name for it; the name may hold anything."""

    name: str
    account: Account


@dataclass(frozen=True, slots=True)
class _Sums:
    """Known counts of one or several parts; FLOPs are those of one sequence's training step."""

    params: int | None
    active: int | None
    flops: int | None


def picture_of_account(account: Account, name: str) -> Picture:
    """Return the picture of one model's ledger."""
    return picture_of_models((Model(name=name, account=account),))


def picture_of_models(models: Sequence[Model], notes: Sequence[str] = ()) -> Picture:
    """Return the picture of the ledgers of some models, of which the first ``MOST_MODELS`` are drawn and in the table."""
    chosen = [model for model in models if model.account.parts][:MOST_MODELS]
    panels = tuple(panel for model in chosen if (panel := panel_of(model, 1 if len(chosen) == 1 else 2)).bars)
    several = len(chosen) > 1
    rows = [(*((short(model.name, 60),) if several else ()), *row) for model in chosen for row in _rows(model.account)]
    told = [*dict.fromkeys(note for model in models[:MOST_MODELS] for note in _notes(model, several)), *notes]
    return Picture(
        name="ledger",
        title=TITLE,
        description=_description(chosen) if panels else "",
        table=Table(head=("model", *_HEAD) if several else _HEAD, rows=tuple(rows), words=(0, 1) if several else (0,)),
        draw=partial(draw, panels) if panels else None,
        notes=tuple(told),
    )


def panel_of(model: Model, columns: int = 1) -> Panel:
    """Return how a model is drawn: small parts as their blocks, tiny blocks as one bar, the rest in the ledger's order."""
    account = model.account
    whole = _summed(account.parts)
    groups: dict[str, list[Part]] = {}
    for part in account.parts:
        is_small = _weight(_summed([part]), whole) < _SMALL[columns]
        groups.setdefault(f"{_block(part.name)} " if is_small else part.name, []).append(part)  # a part's own name ends in no space
    weights = {name: _weight(_summed(parts), whole) for name, parts in groups.items()}
    heaviest = sorted((name for name in groups if weights[name] >= _TINY), key=lambda name: -weights[name])[: _MOST_BARS[columns] - 1]
    bars = [_bar(_named(name, parts, groups), parts, whole, account) for name, parts in groups.items() if name in heaviest]
    rest = [part for name, parts in groups.items() if name not in heaviest for part in parts]
    if any((value or 0) > 0 for value in (_summed(rest).params, _summed(rest).flops)):
        bars.append(_bar(_named("other ", rest), rest, whole, account))
    flops = whole.flops and _per_token(whole.flops, account)
    told = format_count(flops or None)
    title = f"{short(model.name, 42)}\nN {format_count(account.total_params)}, C {told}{' FLOPs per token' if flops else ''}"
    return Panel(title=title, bars=tuple(bars), is_sparse=whole.active is not None and whole.active != whole.params)


def _bar(name: str, parts: Sequence[Part], whole: _Sums, account: Account) -> Bar:
    sums = _summed(parts)
    flops = None if sums.flops is None else _per_token(sums.flops, account)
    lines = [clean(name)[:80]]
    lines += [f"copies: {_copies(parts[0])}"] if len(parts) == 1 else []
    lines.append(f"params {_count(sums.params)}{_of(sums.params, whole.params, 'of N')}")
    lines += [f"met by one token {_count(sums.active)}"] if sums.active != sums.params else []
    lines.append(f"training FLOPs per token {_figure(flops)}{_of(sums.flops, whole.flops, 'of C')}")
    return Bar(
        name=name,
        params=_share(sums.params, whole.params),
        active=_share(sums.active, whole.params),
        flops=_share(sums.flops, whole.flops),
        title="\n".join(lines),
    )


def _summed(parts: Iterable[Part]) -> _Sums:
    """Return sums over what is known; ``None`` where nothing is."""
    kept = tuple(parts)
    counts = [[function(part) for part in kept] for function in (stored_params, active_params, training_flops)]
    known = [[value for value in values if value is not None and value >= 0] for values in counts]
    return _Sums(*(sum(values) if values else None for values in known))


def _share(value: int | None, whole: int | None) -> float | None:
    return None if value is None or not whole else value / whole


def _weight(sums: _Sums, whole: _Sums) -> float:
    return max(_share(sums.params, whole.params) or 0.0, _share(sums.flops, whole.flops) or 0.0)


def _block(name: str) -> str:
    """Return the block that a part belongs to: ``encoder.attention`` of ``encoder.attention.query.bias``."""
    return name.removesuffix(".bias").rpartition(".")[0] or name


def _named(name: str, parts: Sequence[Part], groups: Iterable[str] = ()) -> str:
    block = name.strip()
    is_rest = any(other != name and other.startswith(f"{block}.") for other in groups)
    return parts[0].name if len(parts) == 1 else f"{'rest of ' if is_rest else ''}{block} ({len(parts)} parts)"


def _rows(account: Account) -> Iterator[tuple[str, ...]]:
    """Yield every part; shares are of what is known."""
    whole = _summed(account.parts)
    for part in account.parts:
        params, flops = stored_params(part), training_flops(part)
        yield (
            clean(f"{part.name[:80]} (frozen)" if part.frozen else part.name[:80]),
            _copies(part),
            _count(params),
            _count(active_params(part)),
            _of(params, whole.params),
            "unknown" if flops is None else _figure(_per_token(flops, account)),
            _of(flops, whole.flops),
        )


def _copies(part: Part) -> str:
    used = used_copies(part)
    return _count(part.copies) if used == part.copies else f"{_count(used)} of {_count(part.copies)}"


def _per_token(flops: int, account: Account) -> int | float | None:
    length = account.sequence_length
    if not length:
        return None
    return flops // length if flops % length == 0 or flops >= _PRINTED_IN_FULL else flops / length


def _count(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}" if abs(value) < _PRINTED_IN_FULL else format_scientific(value)


def _figure(value: float | None) -> str:
    return _count(value) if value is None or isinstance(value, int) else f"{value:,.1f}"


def _of(value: int | None, whole: int | None, words: str = "") -> str:
    share = _share(value, whole)
    if share is None:
        return ""
    return f" ({percent(share)} {words})" if words else percent(share)


def _description(models: Sequence[Model]) -> str:
    return " ".join(_sentence(model) for model in models)


def _sentence(model: Model) -> str:
    whole, told = _summed(model.account.parts), []
    for words, function, total in (("the parameters", stored_params, whole.params), ("the training FLOPs", training_flops, whole.flops)):
        known = [(value, part.name) for part in model.account.parts if (value := function(part)) is not None]
        if known and total:
            value, name = max(known, key=lambda pair: pair[0])
            told.append(f"{short(name, 40)} has {percent(value / total)} of {words}")
    return f"{short(model.name, 60)}: {', '.join(told) or 'nothing is known of its parts'}."


def _notes(model: Model, several: bool) -> Iterator[str]:
    account, who = model.account, f"{short(model.name, 60)}: " if several else ""
    if not account.parts:
        yield f"{who}Nothing is drawn: the parameters are {_why(account)}, so it is not known where in the model they are."
        return
    unknown = [part.name for part in account.parts if part.params is None]
    if unknown:
        names = short(", ".join(unknown), 120)
        yield f"{who}not drawn, as their size is unknown: {names}; shares are of the rest."
    if account.sequence_length is None:
        yield f"{who}the sequence length is unknown, so FLOPs are not drawn."
    else:
        source = f" and {account.source_length:,} in the encoder" if account.source_length else ""
        length = f"{account.sequence_length:,} tokens{source}"
        yield f"{who}FLOPs are those of training at {length}, {account.attention} attention, 2 per multiply-add, no recomputation."
    if account.flops_note:
        yield f"{who}{clean(account.flops_note)}."


def _why(account: Account) -> str:
    if account.total_params is None:
        return "unknown"
    return f"known as a whole only, {format_count(account.total_params)}"
