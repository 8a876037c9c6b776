"""A policy file for one repo, to be filled in: what was found in its config, what is ambiguous, and a line for all that is missing.

Only lines that a person is to fill in stand uncommented, without a value, so that the file composes as it is and says nothing yet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scalecheck import registry
from scalecheck.facts import PLAN_FIELDS, Impossible, Job, Origin, Unknown, Unreadable
from scalecheck.survey import Survey, is_aside
from scalecheck.text import clean, shown, where
from scalecheck.values import dataclass

MAX_CANDIDATES = 6
_SIZES = ("num_layers", "hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size",
          "max_positions", "tie_word_embeddings")  # fmt: skip
_PARTS_OF_A_BATCH = ("micro_batch_sequences", "gradient_accumulation", "num_devices")
_OF_A_PLAN = ("sequences_per_step", *_PARTS_OF_A_BATCH, "sequence_length", "tokens_per_step", "unique_tokens", "epochs")
_EXAMPLES = {
    "total_params": "124439808, or 1.3B", "num_layers": "model.n_layers, or 12", "hidden_size": "model.dim, or 768",
    "intermediate_size": "4 * model.dim, or 3072", "num_attention_heads": "model.n_heads, or 12", "vocab_size": "data.vocab_size, or 50257",
    "num_steps": "trainer.max_steps, or 100000", "sequences_per_step": "data.batch_size * trainer.accumulate * trainer.devices, or 512",
    "micro_batch_sequences": "data.batch_size, or 8", "gradient_accumulation": "trainer.accumulate, or 1",
    "sequence_length": "data.seq_len, or 1024", "num_devices": "trainer.devices * trainer.num_nodes, or 8",
    "training_tokens": "300B, or data.total_tokens",
}  # fmt: skip
_NOT_TEXT = ("null", "true", "false", "yes", "no", "on", "off", "y", "n")  # what YAML 1.1 makes something else of
# Words of a leaf's name that speak of a quantity, and words that say it is about something else.
_WORDS: Mapping[str, tuple[str, str]] = {
    "num_layers": (r"layer|depth|block", r"size|norm|drop|lr|decay"),
    "hidden_size": (r"hidden|width|dim|d_?model|embd|embed", r"head|drop|layers?$|inter|ffn?|mlp"),
    "intermediate_size": (r"inter|ffn?|mlp|inner", r"drop|interval"),
    "num_attention_heads": (r"head", r"dim|size|lr"),
    "vocab_size": (r"vocab", r"file|path|name"),
    "num_steps": (r"step|iter|updates?$", r"warm|eval|val|log|save|every|interval|accum|freq|decay|cool|sched|per_"),
    "sequences_per_step": (r"batch|bsz|^bs$|rows", r"eval|val|test|norm|limit"),
    "sequence_length": (r"len|length|context|ctx|block_?size|window|seq", r"eval|val|gen|lr"),
    "num_devices": (r"gpu|device|node|world|replica", r"memory|_id$"),
    "training_tokens": (r"tokens?$|budget", r"pad|eos|bos|special|unk"),
    "gradient_accumulation": (r"accum", r""),
    "micro_batch_sequences": (r"micro|per_(gpu|device)", r"eval|val|test"),
    "total_params": (r"params?$|model_?size", r"lr|optim|hyper"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """What a file is written from: a checked job, the config's leaves, where keys stand, and what the policy maps already."""

    job: Job
    survey: Survey
    locate: Callable[[str], Origin]
    mapped: Mapping[str, Any]
    intent: str = "auto"
    base: str | None = "default"


def mapping_file(sketch: Sketch) -> str:
    """Return the text of the file, ending with a newline.

    With a ``base``, the shipped policy that it goes on from, it is an option of Hydra's group ``scalecheck``; else a file for ``--config``.
    """
    nodes = ("scalecheck",) if sketch.base is None else ("hydra", "callbacks", "scalecheck")
    lines = [*(_HEAD_OF_FILES if sketch.base is None else _HEAD), *_LEGEND]
    lines += [] if sketch.base is None else ["defaults:", f"  - {sketch.base}", "  - _self_", ""]
    lines += [f"{'  ' * depth}{node}:" for depth, node in enumerate(nodes)]
    lines += [f"{'  ' * len(nodes)}{line}".rstrip() for line in _body(sketch)]
    return "\n".join(lines) + "\n"


_HEAD = (
    "# @package _global_",
    "# Which keys of this repo's config tell the size of the model and the length of the run; written by scalecheck init.",
    "# As conf/scalecheck/ours.yaml it is switched on by `- scalecheck: ours` in the defaults list of the primary config.",
)
_HEAD_OF_FILES = (
    "# Which keys of this repo's config tell the size of the model and the length of the run; written by scalecheck init.",
    "# Give it after the repo's own files: scalecheck check --config theirs.yaml --config this.yaml",
)
_LEGEND = (
    "# A value is a config key, an expression over keys such as data.batch_size * trainer.devices, or a number such as 300B; no ${}.",
    "# A line without a value says nothing. A line behind # is what is read without it, or what could be meant.",
)


def _body(sketch: Sketch) -> Iterator[str]:
    plan = sketch.job.run.reading.plan
    reason = clean(plan.intent_reason) or "no sign of anything else"
    yield f"intent: {sketch.intent}  # read as {clean(plan.intent)} ({reason}); or finetune, continue, rl, distill, evaluate, smoke, ladder"
    yield "read:"
    for line in (*_model(sketch), "", *_plan(sketch)):
        yield f"  {line}" if line else ""


def _model(sketch: Sketch) -> Iterator[str]:
    reading, account = sketch.job.run.reading, sketch.job.run.account
    params = "unknown" if account.total_params is None else f"{account.total_params:,} ({account.params_status})"
    yield f"# N, the parameters: {params}"
    asked = _asked(sketch, of_the_plan=False)
    yield from _reasons(asked.values())
    if reading.shape is not None:
        yield f"# the model is read as {reading.shape.family}: {clean(reading.origins.get('family', Origin()).because)}"
    yield from _line(sketch, "root", asked, is_wanted=False)
    yield from _line(sketch, "model", asked, is_wanted="model" in asked)
    for name in _SIZES:
        yield from _line(sketch, name, asked, is_wanted=name in asked and reading.model_dialect is not None)
    is_open = account.total_params is None and not {"model", *_SIZES} & set(asked) and "family" not in sketch.mapped
    if is_open:
        yield "# Fill in N itself, or (without the #) the family and its sizes. These families can be counted:"
        yield from _wrapped(registry.names("architectures"))
        yield "# family: llama"
        for name in _SIZES:
            yield from () if name in sketch.mapped or name in reading.origins else _candidates(sketch, name)
    yield from _line(sketch, "family", asked, is_wanted=False)
    yield from _line(sketch, "total_params", asked, is_wanted=True)


def _plan(sketch: Sketch) -> Iterator[str]:
    reading = sketch.job.run.reading
    plan = reading.plan
    tokens = f"{plan.training_tokens:,} ({plan.tokens_status})" if plan.training_tokens is not None else "unknown"
    bound = reading.origins.get("upper_bound", Origin()).because
    yield f"# D, the training tokens: {tokens}{f': {clean(bound)}' if bound else ''}"
    asked = _asked(sketch, of_the_plan=True)
    yield from _reasons(asked.values())
    yield from _line(sketch, "training_tokens", {}, is_wanted=False)
    is_told, batch_is_wanted = plan.training_tokens is not None, _wants_a_batch(sketch)
    wanted = {
        "num_steps": not is_told and plan.num_steps is None,
        "sequences_per_step": batch_is_wanted,
        "sequence_length": not is_told and plan.sequence_length is None and plan.tokens_per_step is None,
        "num_devices": plan.tokens_status == "per_device",
    }
    yield from _line(sketch, "num_steps", asked, is_wanted=wanted.pop("num_steps"))
    if batch_is_wanted:
        yield from _line(sketch, "sequences_per_step", asked, is_wanted=wanted.pop("sequences_per_step"))
        yield "# or its factors: the sequences of one device and pass, the passes of a step, the devices"
        for name in _PARTS_OF_A_BATCH:
            is_read = name in sketch.mapped or name in reading.origins
            yield from _line(sketch, name, {}, is_wanted=False) if is_read else _candidates(sketch, name, with_example=True)
    for name in _OF_A_PLAN:
        if not (batch_is_wanted and name in ("sequences_per_step", *_PARTS_OF_A_BATCH)):
            yield from _line(sketch, name, asked, is_wanted=wanted.get(name, False) or (not is_told and name in asked))
    if not is_told and "training_tokens" not in sketch.mapped:
        yield "# or D itself"
        yield from _candidates(sketch, "training_tokens", with_example=True)


def _wants_a_batch(sketch: Sketch) -> bool:
    """Tell whether nothing says how many sequences a step has, so that either they or their factors are to be filled in."""
    plan, origins = sketch.job.run.reading.plan, sketch.job.run.reading.origins
    return plan.training_tokens is plan.tokens_per_step is plan.sequences_per_step is None and "micro_batch_sequences" not in origins


def _asked(sketch: Sketch, *, of_the_plan: bool) -> dict[str, Unknown | Impossible]:
    reading = sketch.job.run.reading
    filed: tuple[Unknown | Impossible, ...] = (*reading.impossible, *reading.unknowns)
    return {item.field: item for item in filed if (item.field in PLAN_FIELDS) == of_the_plan}


def _reasons(items: Any) -> Iterator[str]:
    for item in items:
        yield f"# {clean(item.field)} is {'unknown' if isinstance(item, Unknown) else 'impossible'}: {clean(item.reason)}"
        typed = [line for line in item.remedies if ".read." not in line] if isinstance(item, Unknown) else []
        yield from (f"#   or set it where it is missing: {clean(line)}" for line in typed[:1])


def _line(sketch: Sketch, name: str, asked: Mapping[str, Unknown | Impossible], *, is_wanted: bool) -> Iterator[str]:
    """Yield the lines of one quantity: the policy's own, else what was found, else candidates and a line to fill in."""
    if name in sketch.mapped:
        yield f"{name}: {_scalar(sketch.mapped[name])}  # as the policy says already"
        return
    if not is_wanted:
        yield from _found(sketch, name)
        return
    told = asked.get(name)
    keys = [line.partition("=")[2] for line in told.remedies if f".read.{name}=" in line] if isinstance(told, Unknown) else []
    yield from _candidates(sketch, name, [key for key in keys if sketch.survey.view.get(key) is not None])
    yield f"{name}:  # for example {_EXAMPLES.get(name, 'model.size, or 12')}"


def _example(name: str) -> str:
    return _EXAMPLES[name].partition(", or ")[0]


def _found(sketch: Sketch, name: str) -> Iterator[str]:
    """Yield the line that says what is read without the file: the key, else the value, and where or why."""
    reading = sketch.job.run.reading
    origin = reading.origins.get(name)
    value = getattr(reading.plan if name in PLAN_FIELDS else reading.shape, name, None)
    if origin is None or value is None or (name == "training_tokens" and origin.key is None):  # a product, which would be frozen
        return
    is_the_key = origin.key is not None and (origin.assumed or not origin.because)
    because = f"{'assumed: ' if origin.assumed else ''}{clean(origin.because)}" if origin.because else ""
    told = [_scalar(value) if is_the_key else "", because, where(origin)]
    yield f"# {name}: {clean(origin.key or '') if is_the_key else _scalar(value)}  # {', '.join(part for part in told if part)}"


def _candidates(sketch: Sketch, name: str, keys: list[str] | None = None, *, with_example: bool = False) -> Iterator[str]:
    """Yield a commented line for each key that could be meant, by its name and a value that fits."""
    found = keys or _by_name(sketch, name)
    if not found and with_example:
        yield f"# {name}: {_example(name)}"
    for key in found[:MAX_CANDIDATES]:
        value = "a node" if key in sketch.survey.nodes else shown(sketch.survey.view.get(key))
        yield f"# {name}: {clean(key)}  # {clean(value)}, {where(sketch.locate(key))}"


def _by_name(sketch: Sketch, name: str) -> list[str]:
    wanted, unwanted = (re.compile(words, re.IGNORECASE) if words else None for words in _WORDS.get(name, ("", "")))
    survey, found = sketch.survey, []
    for key in survey.keys():
        leaf = key.rpartition(".")[2]
        if wanted is None or not wanted.search(leaf) or (unwanted and unwanted.search(leaf)) or is_aside(key):
            continue
        if key not in survey.nodes and _is_plain(key) and not survey.view.runs_code(key) and _is_count(survey.view.get(key)):
            found.append(key)
    return found


def _is_plain(key: str) -> bool:
    """Tell whether a key can be written in the mapping: an expression takes a dash for a minus."""
    return re.fullmatch(r"[A-Za-z_]\w*(\.\w+)*", key, re.ASCII) is not None


def _is_count(value: Any) -> bool:
    return not isinstance(value, bool | Unreadable) and isinstance(value, int | float) and value > 0 and float(value).is_integer()


def _wrapped(names: tuple[str, ...]) -> Iterator[str]:
    line = "#  "
    for name in names:
        if len(line) + len(name) > 110:
            yield line.rstrip()
            line = "#  "
        line += f" {name}"
    yield line


def _scalar(value: Any) -> str:
    """Return a value as YAML: plain words as they are, the rest as JSON, which is YAML."""
    return value if isinstance(value, str) and _is_plain(value) and value.lower() not in _NOT_TEXT else json.dumps(value, default=str)
