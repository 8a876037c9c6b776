"""What a name stands for in a job, and where it came from: a quantity, a field, or a config key that one of them was read from."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping

from scalecheck import arithmetic
from scalecheck.arithmetic import chains, follows, problem, problems, shown_value, source, value_of
from scalecheck.facts import PLAN_FIELDS, Job, Origin
from scalecheck.text import clean

_BLOCKS: Mapping[str, Callable[[Job], Iterator[str]]] = {
    "N": arithmetic.params,
    "D": arithmetic.tokens,
    "C": arithmetic.flops,
    "tokens_per_parameter": arithmetic.ratio,
    "laws": arithmetic.laws,
    "intent": arithmetic.intent,
}
QUANTITIES = tuple(_BLOCKS)
_ALSO = {
    "params": "N", "parameters": "N", "total_params": "N", "tokens": "D", "training_tokens": "D", "flops": "C",
    "training_flops": "C", "steps": "num_steps", "d/n": "tokens_per_parameter", "ratio": "tokens_per_parameter", "law": "laws",
}  # fmt: skip
_INDEX = re.compile(r"\[(\d+)\]")


def explain(job: Job, what: str) -> tuple[str, ...]:
    """Return the lines that say how a quantity came about: ``N``, ``D``, ``C``, a field's name, a config key, or ``all``.

    The job's origins are located beforehand (``pipeline.locate_job``). A name that nothing was read under gets a sentence.
    """
    name = canonical(what)
    if name == "all":
        return tuple(line for block in _BLOCKS.values() for line in block(job))
    return tuple(_BLOCKS[name](job) if name in _BLOCKS else _of_a_name(job, name))


def canonical(what: str) -> str:
    """Return what is asked for by its own name: ``d`` and ``tokens`` are ``D``, ``a[0]`` is ``a.0``."""
    known = {name.lower(): name for name in (*QUANTITIES, "all")} | _ALSO
    return known.get(what.strip().lower(), _INDEX.sub(r".\1", what.strip()))


def fields_of(job: Job, what: str) -> tuple[str, ...]:
    """Return the fields that an explanation is about, of those that have an origin."""
    name, origins = canonical(what), job.run.reading.origins
    if name in ("all", "C", "tokens_per_parameter", "laws"):
        return tuple(origins)
    if name in ("N", "D"):
        return tuple(field for field in origins if (field in PLAN_FIELDS or field == "upper_bound") == (name == "D"))
    return (name,) if name in origins else tuple(field for field, origin in origins.items() if _mentions(origin, name))


def is_known(job: Job, what: str) -> bool:
    """Tell whether anything that is counted is called so or was read from such a key."""
    name = canonical(what)
    is_filed = any(item.field == name or _is_or_is_below(item.key, name) for item in problems(job))
    return name == "all" or name in _BLOCKS or value_of(job, name) is not None or bool(fields_of(job, name)) or is_filed


def _of_a_name(job: Job, name: str) -> Iterator[str]:
    if not is_known(job, name):
        yield _nothing(job, name)
        return
    used = list(fields_of(job, name))
    if value_of(job, name) is not None:
        told = source(job.run.reading.origins.get(name, Origin())) or follows(job, name)
        yield f"{name} = {shown_value(job, name)}{f' ({told})' if told else ''}"
        yield from chains(job, [name])
    elif used:
        yield f"from {clean(name)}:"
        for field in used:
            yield f"  {_said(job, field)} ({source(job.run.reading.origins[field])})"
            yield from chains(job, [field])
    for item in problems(job):
        if item.field == name or _is_or_is_below(item.key, name):
            yield from problem(item)


def _said(job: Job, field: str) -> str:
    if field == "upper_bound":
        return "D is at most what the product gives"
    return f"{field} = {shown_value(job, field)}" if value_of(job, field) is not None else field


def _nothing(job: Job, name: str) -> str:
    origins = job.run.reading.origins
    keys = [origin.key for origin in origins.values() if origin.key]
    known = [*QUANTITIES, *_ALSO, *(field for field in origins if field != "upper_bound"), *keys]
    near = difflib.get_close_matches(name, list(dict.fromkeys(known)), n=1, cutoff=0.5)
    hint = f" The nearest name that is: {clean(near[0])}." if near else f" There are {', '.join(QUANTITIES)} and all."
    return f"{clean(name)}: nothing that is counted here is called so or comes from such a key.{hint}"


def _mentions(origin: Origin, name: str) -> bool:
    """Tell whether a config key stands in an origin: as its key or the parent of it, in its chain, or in what is said about it."""
    if _is_or_is_below(origin.key, name) or any(_is_or_is_below(entry.partition(" ")[0], name) for entry in origin.chain):
        return True
    return "." in name and re.search(rf"(?<![\w.]){re.escape(name)}(?!\w|\.\w)", origin.because) is not None


def _is_or_is_below(key: str | None, name: str) -> bool:
    plain = _INDEX.sub(r".\1", key or "")
    return name != "" and (plain == name or plain.startswith(f"{name}."))
