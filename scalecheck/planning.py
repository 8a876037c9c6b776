"""Planning without a config: what the laws make of a budget, a model size, an amount of data or a loss to reach.

One question to every law: ``plan`` gives its compute-optimal N, D and C, ``more_compute`` what a multiple of the compute would
buy, ``served`` the split that is cheapest when the model is to answer too. Counts are floats; losses are in nats per token of
the law's own corpus and tokenizer, so those of two laws are not comparable.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from scalecheck import registry, serving
from scalecheck.errors import ScalecheckError
from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN, Bounds, Law, LossSurface, Optimum
from scalecheck.law_words import HISTORY
from scalecheck.policy_laws import DEFAULT_LAWS
from scalecheck.units import format_scientific
from scalecheck.values import dataclass

Quantity = Literal["flops", "params", "tokens", "loss"]
MULTIPLES = (1, 2, 10, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The one quantity that is given: training FLOPs, N, D, or the loss to reach."""

    quantity: Quantity
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LawPlan:
    """One law's answer, in the law's own N.

    ``interval`` is the 80 % interval of D*/N*, where the law has one; ``extrapolated`` the factor beyond the law's fitted range, 1.0
    inside it; ``predicted_loss`` is ``None`` for a law that has no loss.
    """

    law: str
    params_convention: str
    training_flops: float
    optimal_params: float
    optimal_tokens: float
    predicted_loss: float | None
    interval: Bounds | None
    extrapolated: float

    @property
    def tokens_per_parameter(self) -> float:
        """D*/N*."""
        return self.optimal_tokens / self.optimal_params


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A law that has no answer, and why."""

    law: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreCompute:
    """What a multiple of the compute buys; ``loss_gained`` is the loss that it takes off the first row's."""

    multiple: float
    training_flops: float
    optimal_params: float
    optimal_tokens: float
    predicted_loss: float
    loss_gained: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedPlan:
    """The cheapest N, D for training and serving together, at the loss of the training-only optimum, and what that optimum would take."""

    law: str
    loss: float
    params: float
    tokens: float
    training_flops: float
    inference_flops: float
    training_only: LawPlan
    training_only_inference_flops: float

    @property
    def total_flops(self) -> float:
        """Training and inference FLOPs."""
        return self.training_flops + self.inference_flops

    @property
    def share_saved(self) -> float:
        """1 - total/total of the training-only optimum, served as much."""
        return 1 - self.total_flops / (self.training_only.training_flops + self.training_only_inference_flops)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What all the asked laws say to one question, what more compute would buy, and, where asked for, what serving changes.

    ``more_compute`` is under ``loss_law``, from its own C; ``served`` has every law that answered.
    """

    question: Question
    laws: Mapping[str, LawPlan | Refusal]
    conventions: Mapping[str, str]
    loss_law: str
    more_compute: tuple[MoreCompute, ...]
    inference_tokens: float | None
    served: tuple[ServedPlan | Refusal, ...]

    @property
    def plans(self) -> tuple[LawPlan, ...]:
        """The laws that have an answer."""
        return tuple(answer for answer in self.laws.values() if isinstance(answer, LawPlan))

    @property
    def consensus(self) -> tuple[LawPlan, ...]:
        """The plans that a range is told over: of the laws that judge by default, never of one that is kept for its history."""
        return tuple(found for found in self.plans if found.law in DEFAULT_LAWS)


def shipped_laws() -> tuple[str, ...]:
    """Return every law that is shipped: those that judge by default, in their order, then the rest, history last."""
    rest = [name for name in registry.names("laws") if name not in DEFAULT_LAWS]
    return (*DEFAULT_LAWS, *sorted(rest, key=lambda name: (name in HISTORY, name)))


def plan(law: Law, question: Question) -> LawPlan | Refusal:
    """Ask one law for its compute-optimal N, D and C = 6ND.

    The given N is the law's own N, and the given C its own C. A law without an answer in the range of a float, or with less
    than one parameter or token, is a ``Refusal``.
    """
    try:
        found = _optimum(law, question)
        if isinstance(found, str):
            return Refusal(law=law.name, reason=found)
        return _answer(law, found, question)
    except (ArithmeticError, ValueError):  # ValueError: math.log(0.0), after an underflow
        return Refusal(law=law.name, reason="its answer leaves the range of a float")


def _optimum(law: Law, question: Question) -> Optimum | str:
    value = question.value
    if question.quantity == "flops":
        return law.optimum(value)
    if question.quantity == "params":
        return Optimum(params=value, tokens=law.tokens_for_model(value))
    if question.quantity == "tokens":
        return Optimum(params=law.params_for_tokens(value), tokens=value)
    flops = law.flops_for_loss(value)
    if flops is not None:
        return law.optimum(flops)
    floor = getattr(law, "E", None)
    return "no loss" if floor is None else f"below the irreducible loss E of {law.name}, {floor:.4g}"


def _answer(law: Law, optimum: Optimum, question: Question) -> LawPlan | Refusal:
    params, tokens = optimum.params, optimum.tokens
    flops = question.value if question.quantity == "flops" else FLOPS_PER_PARAMETER_PER_TOKEN * params * tokens
    if params < 1 or tokens < 1:
        return Refusal(law=law.name, reason="its optimum has less than one parameter or one token")
    ratio = optimum.tokens_per_parameter
    made = LawPlan(
        law=law.name,
        params_convention=law.params_convention,
        training_flops=flops,
        optimal_params=params,
        optimal_tokens=tokens,
        predicted_loss=law.loss(params, tokens),
        interval=law.interval(flops),
        extrapolated=law.fitted_range.factor_beyond(params=params, flops=flops, tokens_per_parameter=ratio),
    )
    if not all(math.isfinite(value) for value in (params, tokens, flops, made.extrapolated, *(made.interval or ()))):
        raise OverflowError
    return made


def more_compute(flops: float, law: Law) -> tuple[MoreCompute, ...]:
    """Return what 1, 2, 10 and 100 times a budget buys under a law that has a loss; empty where it has none or no answer.

    The loss gained by a factor shrinks with C, as L* - E ~ C^-(alpha beta/(alpha+beta)) (Hoffmann et al. 2022, arXiv 2203.15556, Eq. 2, 4).
    """
    rows: list[MoreCompute] = []
    for multiple in MULTIPLES:
        found = plan(law, Question(quantity="flops", value=flops * multiple))
        if isinstance(found, Refusal) or found.predicted_loss is None:
            return ()
        loss = found.predicted_loss
        rows.append(
            MoreCompute(
                multiple=multiple,
                training_flops=found.training_flops,
                optimal_params=found.optimal_params,
                optimal_tokens=found.optimal_tokens,
                predicted_loss=loss,
                loss_gained=(rows[0].predicted_loss if rows else loss) - loss,
            )
        )
    return tuple(rows)


def served(law: Law, training_only: LawPlan, inference_tokens: float) -> ServedPlan | Refusal:
    """Find the split that costs least with ``inference_tokens`` served: Sardana et al. 2024, arXiv 2401.00448, Eq. 3.

    6ND + 2N D_inference is least among all N, D of the loss of the training-only optimum; only a law that is a loss surface tells.
    """
    loss = training_only.predicted_loss
    if not isinstance(law, LossSurface) or loss is None:
        return Refusal(law=law.name, reason="it has no loss surface")
    refusal = Refusal(law=law.name, reason="its cheapest split leaves the range of a float")
    try:
        found = serving.cheapest(law, loss, inference_tokens)
    except (ArithmeticError, ValueError, ScalecheckError):  # so large a C that its loss is E, to the last digit
        return refusal
    if not all(math.isfinite(value) and value > 0 for value in (found.params, found.tokens, found.training_flops, found.inference_flops)):
        return refusal
    return ServedPlan(
        law=law.name,
        loss=loss,
        params=found.params,
        tokens=found.tokens,
        training_flops=found.training_flops,
        inference_flops=found.inference_flops,
        training_only=training_only,
        training_only_inference_flops=serving.FLOPS_PER_PARAMETER_PER_SERVED_TOKEN * training_only.optimal_params * inference_tokens,
    )


def answers(laws: Sequence[Law], question: Question, inference_tokens: float | None, *, loss_law: Law) -> Answers:
    """Ask every law, and ``loss_law`` what more compute would buy from where it stands.

    Raises:
        ScalecheckError: no law has an answer; why each has none.
    """
    found = {law.name: plan(law, question) for law in laws}
    if not any(isinstance(answer, LawPlan) for answer in found.values()):
        raise ScalecheckError(_no_answer(question, [answer for answer in found.values() if isinstance(answer, Refusal)]))
    base = plan(loss_law, question)
    pairs = [(law, answer) for law in laws if isinstance(answer := found[law.name], LawPlan)]
    return Answers(
        question=question,
        laws=found,
        conventions={law.name: law.params_convention for law in laws},
        loss_law=loss_law.name,
        more_compute=() if isinstance(base, Refusal) else more_compute(base.training_flops, loss_law),
        inference_tokens=inference_tokens,
        served=() if inference_tokens is None else tuple(served(law, answer, inference_tokens) for law, answer in pairs),
    )


def _no_answer(question: Question, refusals: Sequence[Refusal]) -> str:
    asked = f"--{question.quantity} {format_scientific(question.value) if question.quantity != 'loss' else f'{question.value:g}'}"
    reasons = dict.fromkeys(refusal.reason for refusal in refusals)
    told = "; ".join(f"{reason} ({', '.join(refusal.law for refusal in refusals if refusal.reason == reason)})" for reason in reasons)
    return f"{asked}: no law that was asked has an answer: {told}."
