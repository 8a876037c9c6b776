"""``scalecheck optimal``: the compute-optimal N and D of a budget, a size, an amount of data or a loss; or of a config group's options."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scalecheck import __version__, optimal_text
from scalecheck.composing import add_options
from scalecheck.errors import PolicyError, ScalecheckError, did_you_mean
from scalecheck.forms import Law, LossSurface
from scalecheck.law_words import LOSS_LAW
from scalecheck.outlook import law_named
from scalecheck.planning import Answers, Question, Refusal, ServedPlan, answers, shipped_laws
from scalecheck.units import parse_count

SUMMARY = "say which N and D are compute-optimal for a budget, a size, an amount of data or a loss, under every law"
EXAMPLES = (
    "scalecheck optimal --flops 1e21",
    "scalecheck optimal --gpu-hours 5000 --accelerator h100-sxm --mfu 0.4 --inference-tokens 1e12",
    "scalecheck optimal --config-dir conf --config-name train --group model",
    "scalecheck optimal --flops 1e21 --plot out.svg",
)
SCHEMA_VERSION = 1
LARGEST = 1e100
"""No law has anything to say about numbers beyond it, which are typing errors."""
_FORMATS = ("terminal", "json")
_QUANTITIES = ("flops", "params", "tokens", "loss", "gpu_hours")
_NUMBERS = ("--flops", "--params", "--tokens", "--loss", "--gpu-hours", "--mfu", "--inference-tokens")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    made = argparse.ArgumentParser(
        prog="scalecheck optimal",
        description="Ask the scaling laws for a compute-optimal N and D; or, with --group, which option of a repo's config group is it.",
        epilog="exit codes: 0 answered, 2 could not do its work",
    )
    add = made.add_argument
    add("overrides", nargs="*", metavar="override", help="with --group: overrides of the config")
    add("--flops", metavar="C", help="training FLOPs, such as 1e21")
    add("--params", metavar="N", help="parameters, such as 7B; each law takes them for its own N")
    add("--tokens", metavar="D", help="training tokens, such as 2T")
    add("--loss", metavar="L", help="loss to reach, in nats per token of each law's own corpus and tokenizer")
    add("--gpu-hours", metavar="H", help="device-hours, with --accelerator")
    add("--accelerator", metavar="NAME", help="such as h100-sxm or a100-sxm: its dense peak is used")
    add("--mfu", metavar="SHARE", help="model FLOPs utilisation, such as 0.4 (default: a published middle, marked assumed)")
    add("--dtype", metavar="T", help="bf16, fp16, fp8 ... (default: bf16, where the device has it)")
    add("--inference-tokens", metavar="D", help="tokens to serve over the model's life: the split that is cheapest with them")
    add("--law", action="append", default=[], metavar="NAME|FILE", help="a law, or a law's file; may be repeated (default: all shipped)")
    add("--group", metavar="GROUP", help="a config group of the repo: compose and count each option, at the C of the config as it stands")
    add("--plot", nargs="?", const="-", metavar="FILE", help="draw N* and D* into a .svg or .png file; without a name, as text below")
    add_options(made)
    add("--format", default="terminal", metavar="F", help="terminal or json (default: terminal)")
    return made


def run(arguments: Sequence[str]) -> int:
    """Answer; returns 0.

    Raises:
        ScalecheckError: one sentence: not exactly one question, a number out of range, a config that cannot be composed.
    """
    options = parser().parse_intermixed_args(_joined(arguments))
    if options.format not in _FORMATS:
        message = f"--format {options.format}: a plan is shown as {' or '.join(_FORMATS)}.{did_you_mean(options.format, _FORMATS)}"
        raise ScalecheckError(message)
    given = _given(options)
    plot = _plot(options)
    if options.group is not None:
        return _group(options)
    laws = _laws(options.law)
    question, because = _question(options, given)
    inference = None if options.inference_tokens is None else _positive("--inference-tokens", options.inference_tokens)
    asked = next((law for law in laws if isinstance(law, LossSurface)), None) if options.law else None
    found = answers(laws, question, inference, loss_law=asked or law_named(LOSS_LAW))
    if options.format == "json":
        print(json.dumps(_object(found, because), indent=2))
    else:
        print("\n".join(optimal_text.lines(found, because)))
    if plot is not None:
        from scalecheck import optimal_plot

        optimal_plot.write(found, laws, plot)
    return 0


def _plot(options: argparse.Namespace) -> Path | None:
    """Return the file that a plane is drawn into; ``-`` is standard output, ``None`` asks for no picture.

    Raises:
        ScalecheckError: of a file's ending, of a group's options, or a plot as text beside JSON.
    """
    if options.plot is None:
        return None
    from scalecheck.optimal_plot import form_of

    if options.group is not None:
        message = "--plot draws what the laws answer, and --group asks for the options of a config: leave one of them out."
        raise ScalecheckError(message)
    if options.plot == "-" and options.format == "json":
        message = "--plot without a file prints text, and --format json prints JSON: give --plot a file, such as plane.svg."
        raise ScalecheckError(message)
    if options.plot != "-":
        form_of(Path(options.plot))
    return Path(options.plot)


def _joined(arguments: Sequence[str]) -> list[str]:
    """Bind a number with a minus sign to its option, which argparse would take for an option of its own."""
    made: list[str] = []
    for argument in arguments:
        if made and made[-1] in _NUMBERS and argument[:1] == "-" and argument[:2] != "--":
            made[-1] = f"{made[-1]}={argument}"
        else:
            made.append(argument)
    return made


def _given(options: argparse.Namespace) -> str:
    """Return the one quantity that was given, empty with ``--group``."""
    given = [f"--{name.replace('_', '-')}" for name in _QUANTITIES if getattr(options, name) is not None]
    if options.group is not None:
        beside = [*given, *(["--inference-tokens"] if options.inference_tokens is not None else []), *(["--law"] if options.law else [])]
        if beside:
            message = f"--group judges by the config's own compute and policy, and {beside[0]} stands beside it: leave one of them out."
            raise ScalecheckError(message)
        return ""
    if len(given) != 1:
        found = f"{' and '.join(given)} are given" if given else "none is given"
        message = f"give exactly one of --flops, --params, --tokens, --loss, --gpu-hours, or --group in a repo: {found}."
        raise ScalecheckError(message)
    stray = options.overrides[0] if options.overrides else getattr(options, "typed_for_hydra", None) or (options.config and "--config")
    if stray:
        message = f"{stray} is about a repo's config, and {given[0]} needs none: leave it out, or ask for a --group."
        raise ScalecheckError(message)
    return given[0]


def _question(options: argparse.Namespace, given: str) -> tuple[Question, str]:
    """Return the question, and the arithmetic where it is GPU-hours."""
    beside = [f"--{name}" for name in ("accelerator", "mfu", "dtype") if getattr(options, name) is not None]
    if beside and given != "--gpu-hours":
        message = f"{beside[0]} tells what a GPU-hour is, and {given} is given: use it with --gpu-hours."
        raise ScalecheckError(message)
    name = given.lstrip("-").replace("-", "_")
    value = _positive(given, getattr(options, name))
    if name == "gpu_hours":
        return _of_gpu_hours(value, options)
    return Question(quantity=name, value=value), ""  # type: ignore[arg-type]


def _of_gpu_hours(hours: float, options: argparse.Namespace) -> tuple[Question, str]:
    from scalecheck.cost import flops_of_gpu_hours
    from scalecheck.hardware import KEY, read_hardware

    if options.accelerator is None:
        message = "--gpu-hours needs --accelerator, such as h100-sxm: FLOPs are hours x peak x MFU."
        raise ScalecheckError(message)
    mfu = None if options.mfu is None else _positive("--mfu", options.mfu)
    try:
        found = read_hardware({"accelerator": options.accelerator, "dtype": options.dtype, "mfu": mfu})
    except PolicyError as broken:
        raise ScalecheckError(str(broken).replace(f"{KEY}.", "--")) from None
    assert found is not None  # an accelerator is named
    assumed = f" (assumed, published runs {found.mfu_low:g}-{found.mfu_high:g}; --mfu tells)" if found.mfu_assumed else ""
    peak = f"{found.peak_flops_per_second / 1e12:g} dense {found.dtype} TFLOP/s"
    because = f"{hours:,.6g} {found.accelerator} hours x {peak} x MFU {found.mfu:g}{assumed}"
    return Question(quantity="flops", value=flops_of_gpu_hours(hours, found.peak_flops_per_second, found.mfu)), because


def _positive(option: str, text: str) -> float:
    try:
        value = float(parse_count(text))
    except (ScalecheckError, OverflowError):
        value = math.nan
    if not 0 < value <= LARGEST:
        message = f"{option} {text[:60]}: it needs a number above zero and at most {LARGEST:.0e}, such as 1e21, 300B, 1.5T or 2.2."
        raise ScalecheckError(message)
    return value


def _laws(names: Sequence[str]) -> tuple[Law, ...]:
    from scalecheck.policy_laws import Laws

    known = Laws(Path.cwd())
    wanted = dict.fromkeys(known.name(name, "--law") for name in names) or dict.fromkeys(shipped_laws())
    return tuple(law_named(name, known.own) for name in wanted)


def _group(options: argparse.Namespace) -> int:
    from scalecheck.group_options import compared, of_group

    found = of_group(options, options.group, options.overrides)
    if options.format == "json":
        print(json.dumps({"schema_version": SCHEMA_VERSION, "scalecheck_version": __version__, **compared(found)}, indent=2))
    else:
        print("\n".join(optimal_text.group_lines(found)))
    return 0


def _object(found: Answers, because: str) -> dict[str, Any]:
    lows_highs = optimal_text.span(found)
    return {
        "schema_version": SCHEMA_VERSION,
        "scalecheck_version": __version__,
        "question": {**asdict(found.question), "because": because},
        "training_flops": found.question.value if found.question.quantity == "flops" else None,
        "laws": {name: _row(found, name) for name in found.laws},
        "consensus": {"laws": [plan.law for plan in found.consensus], "tokens_per_parameter": list(lows_highs) if lows_highs else None},
        "more_compute_law": found.loss_law,
        "more_compute": [asdict(row) for row in found.more_compute],
        "inference": None
        if found.inference_tokens is None
        else {"inference_tokens": found.inference_tokens, "laws": {item.law: _served(item) for item in found.served}},
    }


def _row(found: Answers, name: str) -> dict[str, Any]:
    answer = found.laws[name]
    names = ("training_flops", "optimal_params", "optimal_tokens", "tokens_per_parameter", "predicted_loss", "interval", "extrapolated")
    law = {"params_convention": found.conventions[name], "judges_by_default": name in {plan.law for plan in found.consensus}}
    if isinstance(answer, Refusal):
        return {**dict.fromkeys(names), **law, "reason": answer.reason}
    return {**{key: getattr(answer, key) for key in names}, **law, "reason": None}


def _served(item: ServedPlan | Refusal) -> dict[str, Any]:
    if isinstance(item, Refusal):
        return {"reason": item.reason}
    only = item.training_only
    return {
        "loss": item.loss,
        "params": item.params,
        "tokens": item.tokens,
        "training_flops": item.training_flops,
        "inference_flops": item.inference_flops,
        "total_flops": item.total_flops,
        "training_only": {
            "params": only.optimal_params,
            "tokens": only.optimal_tokens,
            "training_flops": only.training_flops,
            "inference_flops": item.training_only_inference_flops,
        },
        "share_saved": item.share_saved,
        "reason": None,
    }
