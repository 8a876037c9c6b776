"""How N, D, C and the rest of a job came about, in lines: each as the product that it is, every factor with the place where it was read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from scalecheck.facts import PLAN_FIELDS, Impossible, Job, Origin, Outlook, Unknown
from scalecheck.parts import FLOPS_PER_PARAM_AND_TOKEN, stored_params, used_copies
from scalecheck.text import clean, place, table
from scalecheck.units import format_count, format_flops, format_ratio, format_scientific

_PAIRS = {
    "full": "every pair of tokens, T x T",
    "causal": "T(T+1)/2 pairs where the model is causal",
    "windowed": "the pairs within each layer's window",
}
_PASSES = {"micro_batch_sequences": "sequences a device and pass", "gradient_accumulation": "passes a step", "num_devices": "devices"}


def value_of(job: Job, name: str) -> object:
    """Return the value of a field of the model's shape or of the plan; ``None`` where there is none."""
    reading = job.run.reading
    if name == "total_params":
        return reading.declared_params
    return getattr(reading.plan, name, None) if name in PLAN_FIELDS else getattr(reading.shape, name, None)


def shown_value(job: Job, name: str) -> str:
    """Return a field's value as a config would write it."""
    value = value_of(job, name)
    return clean(str(value).lower() if isinstance(value, bool) else str(value))


def source(origin: Origin) -> str:
    """Return where a value came from: its key and ``file:line`` or override, and the arithmetic or assumption behind it."""
    is_the_key = origin.key is not None and origin.because.partition("=")[0] == origin.key
    because = "" if is_the_key else clean(origin.because)
    told = ", ".join(part for part in (clean(origin.key or ""), place(origin)) if part)
    said = "; ".join(part for part in (because, told) if part)
    return f"assumed: {said}" if origin.assumed else said


def chains(job: Job, names: Iterable[str]) -> Iterator[str]:
    """Yield where the interpolations of these fields go on to."""
    for name in names:
        origin = job.run.reading.origins.get(name, Origin())
        if origin.chain:
            yield f"  {clean(origin.key or name)} <- {', '.join(map(clean, origin.chain))}"


def problem(item: Unknown | Impossible) -> Iterator[str]:
    """Yield why a quantity is unknown or impossible, and the lines that can be typed."""
    yield f"  {'unknown' if isinstance(item, Unknown) else 'impossible'}: {clean(item.field)}: {clean(item.reason)}"
    for number, line in enumerate(item.remedies if isinstance(item, Unknown) else ()):
        yield f"    {'type:' if number == 0 else 'or:  '} {clean(line)}"


def problems(job: Job) -> tuple[Unknown | Impossible, ...]:
    """Return what is impossible, then what is unknown."""
    return (*job.run.reading.impossible, *job.run.reading.unknowns)


def params(job: Job) -> Iterator[str]:
    """Yield N: the ledger's lines, and the sizes that they are made of."""
    reading, origins = job.run.reading, job.run.reading.origins
    yield _first_line_of_params(job)
    if reading.declared_params is None:
        yield from _ledger(job)
    sizes = [name for name in origins if name not in ("family", "head", *PLAN_FIELDS) and hasattr(reading.shape, name)]
    for name in sizes:
        yield f"  {_equation(job, name)}"
    if reading.shape is not None and "head" in origins:
        yield f"  head = {reading.shape.head} ({source(origins['head'])})"
    yield from chains(job, ["family", "total_params", *sizes])
    for item in problems(job):
        if item.field not in PLAN_FIELDS:
            yield from problem(item)


def _first_line_of_params(job: Job) -> str:
    reading, account = job.run.reading, job.run.account
    family = reading.shape.family if reading.shape is not None else ""
    told = source(reading.origins.get("family", Origin()))
    model = f" of {family}{f' ({told})' if told else ''}" if family else ""
    if account.total_params is None:
        known = account.non_embedding_params
        return f"N is unknown{'' if known is None else f'; without embeddings it is {known:,} parameters'}{model}"
    if reading.declared_params is not None:
        return f"N = {account.total_params:,} parameters, as declared ({source(reading.origins.get('total_params', Origin()))})"
    if reading.module is not None and account.formula_params != account.total_params:
        return f"N = {account.total_params:,} parameters, counted on the module that {clean(reading.module.target)} builds"
    return f"N = {account.total_params:,} parameters{' (assumed)' if account.params_status == 'assumed' else ''}{model}, the sum of"


def _equation(job: Job, name: str) -> str:
    told = source(job.run.reading.origins.get(name, Origin()))
    return f"{name} = {shown_value(job, name)}{f' ({told})' if told else ''}"


def _ledger(job: Job) -> Iterator[str]:
    account = job.run.account
    rows = []
    for part in account.parts:
        stored, used = stored_params(part), used_copies(part)
        if stored != 0:
            copies = f"{part.copies:,}" if used == part.copies else f"{part.copies:,} ({used:,} used)"
            each, together = ("unknown" if value is None else f"{value:,}" for value in (part.params, stored))
            rows.append((f"  {part.name}", f"  {copies}", f" x {each}", f" = {together}"))
    for cells in table(rows, (0,)) if rows else ():
        yield "".join(cells).rstrip()
    if account.parts and account.active_params not in (None, account.total_params):
        yield f"  of which one token meets {account.active_params:,}"


def tokens(job: Job) -> Iterator[str]:
    """Yield D: the product that it is, or where it is told; what keeps it from being known, or from being exact."""
    plan = job.run.reading.plan
    names, terms = _factors(job)
    direct = job.run.reading.origins.get("training_tokens", Origin())
    if plan.training_tokens is None:
        yield "D is unknown"
        yield from (f"  known: {term}" for term in terms)
    else:
        end = {"per_device": " per device", "assumed": " (assumed)"}.get(plan.tokens_status, "")
        figure = f"{_bound(job)}{plan.training_tokens:,} tokens{end}"
        if direct.key is None and (plan.num_steps or 0) * (plan.tokens_per_step or 0) == plan.training_tokens:
            yield f"D = {' x '.join(terms)} = {figure}"
        else:
            names, told = ["training_tokens"], source(direct)
            yield f"D = {figure}{f' ({told})' if told else ''}"
        yield from _why_at_most(job)
    yield from chains(job, names)
    for item in problems(job):
        if item.field in PLAN_FIELDS:
            yield from problem(item)


def follows(job: Job, name: str) -> str:
    """Return the product that a field of the plan is which no key tells; empty where it is none."""
    if name == "tokens_per_step":
        names = [field for field in _factors(job)[0] if field not in ("num_steps", name)]
    else:
        names = [field for field in _PASSES if value_of(job, field) is not None] if name == "sequences_per_step" else []
    units = {"sequences_per_step": "sequences", **_PASSES, "sequence_length": "tokens"}
    return " x ".join(_term(job, field, units[field]) for field in names)


def _factors(job: Job) -> tuple[list[str], list[str]]:
    """Return the fields whose product D is, as far as they are known, and each as a term."""
    plan, origins = job.run.reading.plan, job.run.reading.origins
    is_whole = "sequences_per_step" in origins or plan.micro_batch_sequences is None
    batch = {"sequences_per_step": "sequences"} if is_whole else _PASSES
    units = {"num_steps": "steps", **batch, "sequence_length": "tokens"}
    product = (plan.sequences_per_step or 0) * (plan.sequence_length or 0)
    if plan.tokens_per_step and ("tokens_per_step" in origins or product != plan.tokens_per_step):
        units = {"num_steps": "steps", "tokens_per_step": "tokens a step"}
    names = [name for name in units if value_of(job, name) is not None]
    return names, [_term(job, name, units[name]) for name in names]


def _term(job: Job, name: str, unit: str) -> str:
    told = source(job.run.reading.origins.get(name, Origin()))
    return f"{shown_value(job, name)} {unit}{f' ({told})' if told else ''}"


def _bound(job: Job) -> str:
    return "at most " if job.run.reading.plan.tokens_status == "upper_bound" else ""


def _why_at_most(job: Job) -> Iterator[str]:
    because = job.run.reading.origins.get("upper_bound", Origin()).because
    if _bound(job) and because:
        yield f"  at most: {clean(because)}"


def flops(job: Job) -> Iterator[str]:
    """Yield C and the convention that it is counted in."""
    account, because = job.run.account, job.run.account.training_flops_because
    if account.training_flops is None:
        yield f"C is {clean(because) or 'unknown'}"
        return
    figure = f"{_bound(job)}{account.training_flops:,} FLOPs ({format_scientific(account.training_flops)})"
    if because.startswith("6ND"):
        product = f"{account.active_params or 0:,} parameters x {account.training_tokens or 0:,} tokens"
        yield f"C = {FLOPS_PER_PARAM_AND_TOKEN} x {product} = {figure}"
        yield f"  {clean(because)}"
    else:
        pairs = f"{account.attention} attention: {_PAIRS[account.attention]}"
        yield f"C = {re.sub('[0-9]{4,}', lambda digits: f'{int(digits[0]):,}', clean(because))} = {figure}"
        yield f"  matrix products only, 2 FLOPs per multiply-add, no recomputation; {pairs}"
    if account.flops_note:
        yield f"  {clean(account.flops_note)}"
    yield from _why_at_most(job)


def ratio(job: Job) -> Iterator[str]:
    """Yield D/N."""
    account, active = job.run.account, job.run.account.active_params
    if account.tokens_per_parameter is None:
        job_tokens = "D of all devices together" if job.run.reading.plan.tokens_status == "per_device" else "D"
        is_known = {"N": account.total_params is not None, job_tokens: account.training_tokens is not None and job_tokens == "D"}
        missing = [name for name, known in is_known.items() if not known]
        yield f"D/N is unknown: {' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not known"
        return
    is_sparse = active and active != account.total_params
    per_active = f"; {format_ratio((account.training_tokens or 0) / (active or 1))} per active parameter" if is_sparse else ""
    figure = f"{_bound(job)}{format_ratio(account.tokens_per_parameter)} tokens per parameter{per_active}"
    yield f"D/N = {account.training_tokens:,} / {account.total_params:,} = {figure}"


def laws(job: Job) -> Iterator[str]:
    """Yield each law's optimum at the run's compute, or why no law is asked."""
    if not job.run.outlooks:
        yield f"no scaling law is asked: {clean(job.run.reading.plan.intent_reason) or 'N or D of the whole job is not known'}"
    for outlook in job.run.outlooks.values():
        yield _law(outlook, job)


def _law(outlook: Outlook, job: Job) -> str:
    judges = " (judges)" if outlook.law == job.run.judge else ""
    optimum = f"{format_count(outlook.optimal_params)} parameters and {format_count(outlook.optimal_tokens)} tokens"
    budget = f"6ND = {_bound(job)}{format_flops(outlook.law_flops)}, N {format_count(outlook.params)} ({outlook.params_convention})"
    line = (
        f"{clean(outlook.law)}{judges}: at {budget}, the optimum is {optimum}, {format_ratio(outlook.tokens_per_parameter)} per parameter"
    )
    at_most = _bound(job) or ("at most " if outlook.params_convention.startswith("at least") else "")
    line += f"; the run has {at_most}x{format_ratio(outlook.multiple)} of that"
    if outlook.wasted_compute is not None and not at_most:
        line += f" and loses {100 * outlook.wasted_compute:.1f} % of its compute"
    return line + (f"; {format_ratio(outlook.extrapolated)}x beyond the runs it was fitted on" if outlook.extrapolated > 1 else "")


def intent(job: Job) -> Iterator[str]:
    """Yield what the run is for, and the sign of it."""
    plan = job.run.reading.plan
    reason = clean(plan.intent_reason) or "nothing that was read says otherwise, or the policy says so"
    yield f"intent = {clean(plan.intent)}: {reason}"
