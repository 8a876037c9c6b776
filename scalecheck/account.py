"""Stage 2: a reading becomes an account. Every total is a sum over one ledger, so totals cannot drift apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

from scalecheck import registry
from scalecheck.facts import Account, AttentionConvention, ModelShape, ModuleCount, ParamsStatus, Part, Reading, Workload
from scalecheck.parts import BACKWARD_PER_FORWARD, FLOPS_PER_PARAM_AND_TOKEN, active_params, forward_flops, stored_params, training_flops


def count(reading: Reading, attention: AttentionConvention = "full", *, source_length: int | None = None) -> Account:
    """Count what a reading costs: parameters, FLOPs per sequence and of the whole run, tokens per parameter.

    ``reading.module``, counted on the real module, wins over the family's ledger where the two disagree or there is none.
    ``reading.declared_params``, the user's own figure, replaces total and active parameters; everything else stays the ledger's.
    ``training_flops`` (C) is counted from the ledger where it can be; otherwise it is 6ND, and ``training_flops_because`` says so.
    ``tokens_per_parameter`` is D over *total* parameters (Hoffmann et al. 2022); papers on experts often divide by the active ones.
    ``source_length`` is an encoder's number of tokens where it is not that of the decoder.
    Where ``plan.tokens_status`` is ``"per_device"`` the job's D is unknown, so neither of the two is told.
    """
    plan = reading.plan
    length = plan.sequence_length if plan.sequence_length is not None and plan.sequence_length > 0 else None
    lengths = (plan.target_length, length) if plan.target_length and length and source_length is None else (length, source_length)
    account = _counted_shape(reading.shape, Workload(sequence_length=lengths[0] or 0, source_length=lengths[1], attention=attention))
    if reading.module is not None:
        account = _measured(account, reading.module)
    if reading.declared_params is not None:
        account = _declared(account, reading.declared_params)
    job_tokens = None if plan.tokens_status == "per_device" else plan.training_tokens
    counted = account.sequence_length if plan.target_length is None else length  # the tokens of a sequence that D counts
    training_flops, because = _training_flops(account, (job_tokens, counted), is_measured=reading.module is not None)
    if job_tokens is None and plan.training_tokens is not None:
        because = "unknown: the training tokens are those of one device, not of the job"
    return replace(
        account,
        params_status=_params_status(reading, account),
        training_tokens=job_tokens,
        training_flops=training_flops,
        training_flops_because=because,
        tokens_per_parameter=_ratio(job_tokens, account.total_params),
    )


def _declared(account: Account, params: int) -> Account:
    """Take the N that the policy tells. A ledger that counts another N is of another model, and its FLOPs would be too."""
    if account.total_params == params:
        return account
    if account.total_params is not None:
        account = Account(
            sequence_length=account.sequence_length,
            source_length=account.source_length,
            attention=account.attention,
            formula_params=account.formula_params,
        )
    return replace(account, total_params=params, active_params=params)


def ledger(shape: ModelShape, workload: Workload) -> tuple[Part, ...]:
    """Return the parts of one architecture.

    Raises:
        PolicyError: no such family in ``architectures/``.
        ConfigError: sizes of which no model can be built.
    """
    parts: Callable[[ModelShape, Workload], Iterable[Part]] = registry.load("architectures", shape.family).parts
    return tuple(parts(shape, workload))


def totals(parts: Sequence[Part]) -> Account:
    """Return the sums over a ledger; a sum is ``None`` as soon as one of its terms is unknown.

    * total: every stored weight once. A tied head has none of its own; buffers are not parameters.
    * active: weights that one token meets. The input embedding counts, though a token meets one row of it: vendors differ
      (gpt-oss-120b has 5.71e9 with embeddings and 5.13e9 without, published as 5.1e9).
    * trainable: total without frozen parts.
    * embedding: input, output, position and token-type tables. non_embedding: the rest, as Kaplan et al. 2020, section 2.1,
      count N. An untied head is an embedding here; nanoGPT's figure of that name leaves out positions only.
    * forward and training FLOPs: of one sequence, of the copies that are used. Training = forward + backward, backward =
      2 x forward unless a part says otherwise. Recomputation of activations is work of the hardware, not of the model, and
      never enters (MFU against HFU: Chowdhery et al. 2022, appendix B); nor does the optimizer.
    """
    return Account(**_sums(parts))


def _sums(parts: Sequence[Part]) -> dict[str, Any]:
    """Return the sums by the names of Account's fields, in one pass: a config is counted in microseconds."""
    tables, rest, frozen, flops = _Sum(), _Sum(), _Sum(), _Sum()
    for part in parts:
        if part.params != 0:
            params = tables if part.kind.endswith("_embedding") else rest
            params.add(stored_params(part), active_params(part))
        if part.frozen:
            frozen.add(stored_params(part), 0)
        if part.forward_flops != 0:
            flops.add(forward_flops(part), training_flops(part))
    total, active = _plus(tables.first, rest.first), _plus(tables.second, rest.second)
    return {
        "parts": tuple(parts),
        "params_status": "unknown" if total is None else "exact",
        "total_params": total,
        "active_params": active,
        "trainable_params": None if total is None or frozen.first is None else total - frozen.first,
        "embedding_params": tables.first,
        "non_embedding_params": rest.first,
        "active_non_embedding_params": rest.second,
        "forward_flops_per_sequence": flops.first,
        "training_flops_per_sequence": flops.second,
    }


class _Sum:
    """Two running sums; each is ``None`` as soon as one of its terms is unknown."""

    __slots__ = ("first", "second")

    def __init__(self) -> None:
        self.first: int | None = 0
        self.second: int | None = 0

    def add(self, first: int | None, second: int | None) -> None:
        self.first = None if self.first is None or first is None else self.first + first
        self.second = None if self.second is None or second is None else self.second + second


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _counted_shape(shape: ModelShape | None, workload: Workload) -> Account:
    """Count a shape; parameters do not need the sequence length, so without it (0) only the FLOPs are unknown."""
    length = workload.sequence_length or None
    if shape is None:
        return Account(sequence_length=length, attention=workload.attention)
    module = registry.load("architectures", shape.family)
    if hasattr(module, "own_length"):  # an image has as many tokens as it has patches
        length = module.own_length(shape)
    if length != workload.sequence_length:
        workload = replace(workload, sequence_length=length or 1)
    parts = ledger(shape, workload)
    if length is None:
        parts = tuple(part._replace(forward_flops=None, backward_flops=None) if part.forward_flops != 0 else part for part in parts)
    return Account(
        **_sums(parts),
        sequence_length=length,
        source_length=(workload.source_length or length) if shape.head == "seq2seq_lm" else None,
        attention=workload.attention,
        flops_note=getattr(module, "FLOPS_NOTE", ""),
    )


def _measured(account: Account, module: ModuleCount) -> Account:
    """Take the figures of the real module. Where the ledger has the same N it stands, for it knows what is active and embedded."""
    if account.total_params == module.total_params:
        return replace(account, formula_params=account.total_params, trainable_params=module.trainable_params)
    forward = module.forward_flops_per_sequence if module.sequence_length == account.sequence_length else None
    return Account(
        params_status="exact",
        total_params=module.total_params,
        formula_params=account.total_params,
        active_params=module.total_params,
        trainable_params=module.trainable_params,
        sequence_length=account.sequence_length,
        attention="full" if forward is not None else account.attention,
        forward_flops_per_sequence=forward,
        training_flops_per_sequence=None if forward is None else (1 + BACKWARD_PER_FORWARD) * forward,
        flops_note="" if forward is None else "counted by torch's FlopCounterMode on the module's forward pass; backward = 2 x forward",
    )


def _params_status(reading: Reading, account: Account) -> ParamsStatus:
    if account.total_params is None:
        return "unknown"
    if reading.declared_params is None and reading.module is not None:
        return "exact"
    assumed = {name for name, origin in reading.origins.items() if origin.assumed}
    if not assumed:
        return "exact"
    sources = {"declared_params"}
    if reading.declared_params is None and reading.shape is not None:
        sources = {field.name for field in fields(reading.shape)}
    return "assumed" if assumed & sources else "exact"


def _training_flops(account: Account, counted: tuple[int | None, int | None], *, is_measured: bool) -> tuple[int | None, str]:
    """Return C and how it was found, for all tokens and those of a sequence; 6ND takes active parameters: all, unless there are experts."""
    (tokens, length), per_sequence, params = counted, account.training_flops_per_sequence, account.active_params
    if tokens is None:
        return None, "unknown: the training tokens are unknown"
    if per_sequence is not None and length is not None:
        because = f"{per_sequence} FLOPs per sequence (forward + backward, {account.attention} attention) x {tokens} / {length} tokens"
        return _rounded_quotient(per_sequence * tokens, length), because
    if params is None:
        return None, "unknown: the parameters are unknown"
    if not account.parts:
        missing = "no FLOPs were counted on the module" if is_measured else "the model's shape is unknown"
    elif length is None:
        missing = "the sequence length is unknown"
    else:
        missing = "the vocabulary size is unknown"
    return FLOPS_PER_PARAM_AND_TOKEN * params * tokens, f"6ND: {missing}, so attention is not counted"


def _rounded_quotient(dividend: int, divisor: int) -> int:
    # In integers throughout: a float has 53 bits, and the FLOPs of one large run need 85.
    quotient, remainder = divmod(dividend, divisor)
    return quotient + (2 * remainder >= divisor)


def _ratio(tokens: int | None, params: int | None) -> float | None:
    if tokens is None or params is None or params <= 0:
        return None
    try:
        return tokens / params
    except OverflowError:  # a typing error of hundreds of digits
        return None
