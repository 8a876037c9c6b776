"""count_mismatch: the model that the user's code builds is not the one that was counted from the config."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from scalecheck.facts import Account, Finding, ModelShape, ModuleCount, Origin, Reading, Remedy, Run, Severity
from scalecheck.values import dataclass

SHOWN_MODULES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The parameters of the real module differ from those that the family's formula, or the policy's own figure, gives.

    ## What it does
    Where ``count: instantiate`` has built the module, compares its unique parameters with the ledger of the family that the
    config names, and with ``read.total_params`` where that is set. FLOPs that differ while N agrees are a note: torch's counter
    has gaps of its own.

    ## Why
    One of two things that were believed is not so: the config's keys do not reach the model that is built, or the model is a
    variant of the family whose name it carries. Either way a number in somebody's table is off, and so is D/N.

    ## Example
    ``model.n_layer: 12`` in the config, and a ``_target_`` that builds 6 layers because its argument is called ``depth``.

    ## Fix
    Look at the modules that the finding names. If the module is what you mean, its N is the one that is used: set this rule's
    ``severity`` to ``off``, or leave ``model_type`` out. If it is not, the code does not read the config as it is written.

    ## Options
    None but ``severity``.

    ## References
    - torch.utils.flop_counter.FlopCounterMode, which counts the FLOPs: 2 per multiply-add of matrix products and convolutions.
    """

    DEFAULT_SEVERITY: ClassVar[Severity] = "warning"

    def check(self, run: Run) -> Iterator[Finding]:
        """Find each figure that the module contradicts."""
        reading, module = run.reading, run.reading.module
        if module is None:
            return
        formula, declared = run.account.formula_params, reading.declared_params
        used = "read.total_params is used" if declared is not None else "the module's is used"
        if formula is not None and formula != module.total_params:
            family = reading.shape.family if reading.shape else "the family"
            key = next((origin.key for name in ("family", "num_layers") if (origin := reading.origins.get(name)) and origin.key), None)
            yield _finding(f"the formula of {family} gives", formula, module, used, key)
        if declared is not None and declared != module.total_params:
            origin = reading.origins.get("total_params", Origin())
            yield _finding("read.total_params gives", declared, module, used, origin.key)
        if formula == module.total_params:
            yield from _flops(run, module)


def _finding(says: str, params: int, module: ModuleCount, used: str, key: str | None) -> Finding:
    difference = module.total_params - params
    sign, percent = "more" if difference > 0 else "fewer", 100 * abs(difference) / params if params else 100.0
    built = f"{module.target}, as built, has {module.total_params:,}"
    message = f"{says} {params:,} parameters and {built}: {abs(difference):,} {sign} ({percent:.2g} %); {used}"
    return Finding(rule="count_mismatch", message=message, remedies=(_look(module),), origin=Origin(key=key))


def _look(module: ModuleCount) -> Remedy:
    largest = sorted(module.params_by_module, key=lambda row: row[1], reverse=True)[:SHOWN_MODULES]
    listed = f"; its largest modules: {', '.join(f'{path} {size:,}' for path, size in largest)}" if largest else ""
    return Remedy(effect=f"look which keys of the config {module.target} takes, and which part it adds or leaves out{listed}")


def _flops(run: Run, module: ModuleCount) -> Iterator[Finding]:
    """Compare the FLOPs where both sides count the same thing: every pair of tokens, one length, a family whose FLOPs are well defined."""
    account = run.account
    formula, counted = account.forward_flops_per_sequence, module.forward_flops_per_sequence
    comparable = account.attention == "full" and not account.flops_note and module.sequence_length == account.sequence_length
    if formula is None or counted is None or not comparable or formula == counted:
        return
    because = f"per sequence of {module.sequence_length:,} tokens; the formula's is used" if module.sequence_length else ""
    message = f"the forward pass has {formula:,} FLOPs by the formula and {counted:,} by torch's counter on {module.target}, {because}"
    yield Finding(rule="count_mismatch", message=message, severity="note", remedies=(_look(module),))


def _example(built: int) -> Run:
    rows = (("model.layers.*.mlp.up", built // 3), ("model.embed", built // 4))
    module = ModuleCount(target="model", total_params=built, trainable_params=built, params_by_module=rows)
    shape = ModelShape(family="gpt2", num_layers=12, hidden_size=768, vocab_size=50257)
    reading = Reading(shape=shape, module=module, origins={"num_layers": Origin(key="model.n_layer")})
    return Run(reading=reading, account=Account(total_params=built, formula_params=124_439_808))


def fires() -> Run:
    """Return a GPT-2 whose code builds 6 layers where the config says 12."""
    return _example(81_912_576)


def silent() -> Run:
    """Return a GPT-2 that is what its config says, counted both ways at one length."""
    run = _example(124_439_808)
    module = replace(run.reading.module, sequence_length=1024, forward_flops_per_sequence=291_648_307_200) if run.reading.module else None
    account = replace(run.account, sequence_length=1024, forward_flops_per_sequence=291_648_307_200)
    return replace(run, reading=replace(run.reading, module=module), account=account)
