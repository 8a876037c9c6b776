"""A run that is told in tokens: ``train_tokens``, ``total_tokens``, or ``max_tokens`` where the training's other figures are tokens too.

``max_tokens`` alone is no budget: fairseq calls the tokens of one device's batch so, and samplers what they generate.
"""

from __future__ import annotations

from scalecheck.clues import EPOCHS, STEPS, Clues, Draft
from scalecheck.facts import Origin
from scalecheck.survey import whole
from scalecheck.text import shown

RANK = 4
NAMES = ("train_tokens", "training_tokens", "num_train_tokens", "total_tokens", "total_train_tokens", "max_train_tokens", "token_budget",
         "tokens_budget", "num_training_tokens", "target_tokens", "n_train_tokens", "max_training_tokens")  # fmt: skip
_IN_TOKENS = ("grad_acc_tokens", "tokens_per_batch", "tokens_per_step", "batch_tokens", "global_batch_tokens", "train_batch_len",
              "global_batch_size_tokens", "batch_size_in_tokens")  # fmt: skip
_TRAINING = ("train", "training", "trainer")
_LITGPT = {"max_tokens", "global_batch_size", "micro_batch_size"}
LEAST = 10**6
"""A budget below a million tokens is more likely a batch: it is not read."""
LEAST_PER_STEP = 128
"""Nor is one that would leave each of the run's steps less than a sequence."""


def applies(clues: Clues) -> bool:
    """Tell whether a key holds the tokens of the whole run."""
    return bool(_keys(clues)) and "training_tokens" not in clues.given


def read(clues: Clues) -> Draft:
    """Read the tokens; the length besides, on which FLOPs depend. Steps beside them may end the run first."""
    keys = _keys(clues)
    tokens = clues.pick("training_tokens", keys)
    if tokens is not None:
        clues.notes.origins["training_tokens"] = Origin(key=keys[0], because="told in tokens")
    return Draft(training_tokens=tokens, sequence_length=_length(clues), at_most=_first(clues, keys))


def _keys(clues: Clues) -> list[str]:
    told = clues.set_keys(NAMES)
    if told:
        return [key for key in told if _is_a_budget(clues, key)]
    budgets = [key for key in clues.set_keys(("max_tokens",)) if set(key.lower().split(".")[:-1]) & set(_TRAINING)]
    # litgpt's TrainArgs (litgpt/args.py) have these three beside each other, and end the run by the first.
    budgets = (
        budgets if clues.survey.find(_IN_TOKENS) else [key for key in budgets if set(clues.survey.nodes[key.rpartition(".")[0]]) >= _LITGPT]
    )
    return [key for key in budgets if _is_a_budget(clues, key)]


def _is_a_budget(clues: Clues, key: str) -> bool:
    value = whole("training_tokens", key, clues.view.get(key))
    is_of_the_data = bool({"data", "dataset", "datasets", "datamodule"} & set(key.lower().split(".")[:-1])) or bool(clues.set_keys(EPOCHS))
    if is_of_the_data:  # how many tokens there are, not how many are seen
        return False
    if not isinstance(value, int):
        return True
    told = clues.only(STEPS)
    return value >= LEAST and (told is None or value // told[1] >= LEAST_PER_STEP)


def _length(clues: Clues) -> int | None:
    found = clues.length()
    if found is not None or clues.settled("sequence_length"):
        return found
    return clues.pick("sequence_length", clues.survey.find(("train_seq_len", "train_batch_len")))


def _first(clues: Clues, keys: list[str]) -> str:
    stops = [key for key in clues.set_keys(STEPS) if clues.view.get(key) != -1]
    return f"{stops[0]}={shown(clues.view.get(stops[0]))} may end the run before {keys[0]}" if stops else ""
