"""A JSON report back into the values that it was rendered from, so that any format renders from it, also later."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from scalecheck import facts, registry
from scalecheck.errors import ScalecheckError
from scalecheck.formats.json import SCHEMA_VERSION
from scalecheck.report_values import WRITE_ONE, At
from scalecheck.text import shown


def read_report(path: Path) -> facts.Report:
    """Return the report in a JSON file, as ``scalecheck check --output json:FILE`` writes it.

    Raises:
        ScalecheckError: no such file, not JSON, not a report, or one of a newer schema.
    """
    try:
        # From bytes, as some shells write UTF-16; what is no number in JSON is refused, as it would be said to be one.
        data = json.loads(path.read_bytes(), parse_constant=_refuse)
    except OSError as error:
        message = f"{path}: it cannot be read: {error.strerror or error}."
        raise ScalecheckError(message) from None
    except RecursionError:
        message = f"{path}: it is not a report of scalecheck, but nested too deeply; {WRITE_ONE}."
        raise ScalecheckError(message) from None
    except ValueError as error:
        message = f"{path}: it is not JSON, or not all of it: {shown(str(error))[1:-1]}; {WRITE_ONE}."
        raise ScalecheckError(message) from None
    try:
        return report_of(data)
    except ScalecheckError as error:
        message = f"{path}: {error}"
        raise ScalecheckError(message) from None


def _refuse(name: str) -> Any:
    message = f"{name} is no JSON"
    raise ValueError(message)


def report_of(data: Any) -> facts.Report:
    """Return a report from the plain values of its JSON. Keys that are not known are left out of it.

    Raises:
        ScalecheckError: it is no report, or one of a newer schema.
    """
    top = At(value=data, where="")
    if not isinstance(data, dict) or "schema_version" not in data or "jobs" not in data:
        message = f"it is not a report of scalecheck: it has no schema_version and jobs; {WRITE_ONE}."
        raise ScalecheckError(message)
    version = data["schema_version"]
    if isinstance(version, int) and not isinstance(version, bool) and version > SCHEMA_VERSION:
        made_by = f", of scalecheck {shown(data['scalecheck_version'])[1:-1]}" if isinstance(data.get("scalecheck_version"), str) else ""
        message = f"it has schema_version {shown(version)}{made_by}; this scalecheck reads up to {SCHEMA_VERSION}: install a newer one."
        raise ScalecheckError(message)
    if version is True or version != SCHEMA_VERSION:
        message = f"it is not a report of scalecheck: schema_version is {shown(version)}, not {SCHEMA_VERSION}; {WRITE_ONE}."
        raise ScalecheckError(message)
    return facts.Report(
        jobs=tuple(_job(job) for job in top.entries("jobs")),
        findings=tuple(_finding(finding) for finding in top.entries("sweep_findings")),
        mode=top.text("mode", "warn"),
        on_reject=top.text("on_reject", "stop"),
        verdict=top.one_of("verdict", facts.Verdict, "pass"),
        own_laws=_own_laws(top),
    )


def _own_laws(at: At) -> dict[str, Any]:
    if at.get("own_laws") is None:
        return {}
    from scalecheck.law_file import law_of_plain

    return {name: law_of_plain(item.value, item.where) for name, item in at.items("own_laws")}


def _job(at: At) -> facts.Job:
    return facts.Job(
        name=at.text("name", None),
        overrides=at.texts("overrides"),
        run=facts.Run(
            reading=_reading(at),
            account=_account(at),
            outlooks={name: _outlook(name, item) for name, item in at.items("outlooks")},
            expense=None if at.get("expense") is None else _expense(at.at("expense")),
            judge=at.text("judge"),
            name=at.text("name", None),
        ),
        findings=tuple(_finding(finding) for finding in at.entries("findings")),
        verdict=at.one_of("verdict", facts.Verdict),
        config=at.text("config"),
    )


def _reading(at: At) -> facts.Reading:
    status = _status(at, "tokens", facts.TokensStatus)
    factors = ("sequences_per_step", "micro_batch_sequences", "gradient_accumulation", "num_devices", "target_length")
    numbers = ("tokens_per_step", "num_steps", "sequence_length", "unique_tokens", "epochs", "time_limit_hours")
    plan = facts.TrainingPlan(
        training_tokens=at.number("training_tokens_per_device" if status == "per_device" else "training_tokens"),
        tokens_status=status,
        intent=at.text("intent", "pretrain"),
        intent_reason=at.text("intent_reason"),
        **{name: at.number(name) for name in (*factors, *numbers)},
    )
    return facts.Reading(
        shape=_shape(at),
        plan=plan,
        module=None if at.get("module") is None else _module(at.at("module")),
        origins={name: _origin(item) for name, item in at.items("origins")},
        unknowns=tuple(_unknown(item) for item in at.entries("unknowns")),
        declared_params=at.whole("declared_params"),
        impossible=tuple(_impossible(item) for item in at.entries("impossible")),
        unused_keys=at.texts("unused_keys"),
        model_dialect=at.text_or_none("model_dialect"),
        schedule_dialect=at.text_or_none("schedule_dialect"),
    )


def _shape(at: At) -> facts.ModelShape | None:
    """Return the sizes of a model; of a family that is not known here, and in older reports, there is its name alone."""
    family = at.text("family")
    if not family:
        return None
    known = registry.load("architectures", family).Shape if family in registry.names("architectures") else None
    if known is None or at.get("shape") is None:
        return facts.ModelShape(family=family, num_layers=0, hidden_size=0, vocab_size=None)
    told = at.at("shape")
    read: dict[str, Callable[[str], Any]] = {
        "int": lambda name: told.whole(name) or 0,
        "int | None": told.whole,
        "bool": told.flag,
        "str": told.text,
        "Head": lambda name: told.one_of(name, facts.Head, "causal_lm"),
        "tuple[str, ...]": told.texts,
    }
    return cast(
        "facts.ModelShape", known(**{field.name: read[str(field.type)](field.name) for field in fields(known)} | {"family": family})
    )


def _account(at: At) -> facts.Account:
    params = ("total_params", "active_params", "trainable_params", "non_embedding_params", "embedding_params")
    more = ("active_non_embedding_params", "formula_params", "training_tokens", "training_flops", "tokens_per_parameter")
    sequence = at.at("per_sequence") if at.get("per_sequence") is not None else At(value={}, where="")
    return facts.Account(
        parts=tuple(_part(part) for part in at.entries("parts")),
        params_status=_status(at, "params", facts.ParamsStatus),
        attention=at.one_of("attention", facts.AttentionConvention, "full"),
        sequence_length=sequence.whole("sequence_length"),
        source_length=sequence.whole("source_length"),
        forward_flops_per_sequence=sequence.whole("forward_flops"),
        training_flops_per_sequence=sequence.whole("training_flops"),
        flops_note=sequence.text("flops_note"),
        training_flops_because=at.text("training_flops_because"),
        **{name: at.number(name) for name in (*params, *more)},
    )


def _part(at: At) -> facts.Part:
    copies, used = at.whole("copies"), at.whole("active_copies")
    return facts.Part(
        name=at.text("name", None),
        kind=at.one_of("kind", facts.PartKind),
        params=at.whole("params"),
        copies=1 if copies is None else copies,
        active_copies=None if used == copies else used,
        forward_flops=at.whole("forward_flops_per_sequence"),
        backward_flops=at.whole("backward_flops_per_sequence"),
        frozen=at.flag("frozen"),
    )


def _status(at: At, key: str, literal: Any) -> Any:
    return "unknown" if at.get("status") is None else at.at("status").one_of(key, literal, "unknown")


def _module(at: At) -> facts.ModuleCount:
    return facts.ModuleCount(
        target=at.text("target"),
        total_params=at.figure("total_params"),
        trainable_params=at.figure("trainable_params"),
        params_by_module=tuple((name, at.at("params_by_module").figure(name)) for name, _ in at.items("params_by_module")),
        sequence_length=at.whole("sequence_length"),
        forward_flops_per_sequence=at.number("forward_flops_per_sequence"),
        flops_because=at.text("flops_because"),
    )


def _outlook(law: str, at: At) -> facts.Outlook:
    bounds = at.get("interval")
    if bounds is not None and (not isinstance(bounds, list) or len(bounds) != 2):
        at.at("interval").refuse("two numbers or null")
    low, high = (At(value={"": bound}, where=f"{at.where}.interval").figure("") for bound in bounds or (None, None))
    optional = ("wasted_compute", "predicted_loss", "loss_at_optimum", "effective_tokens", "effective_loss")
    figures = ("params", "law_flops", "optimal_params", "optimal_tokens", "tokens_per_parameter", "multiple", "tokens_for_this_model")
    return facts.Outlook(
        law=law,
        params_convention=at.text("params_convention") or "unknown",
        interval=(low, high) if bounds else None,
        **{name: at.number(name) for name in optional},
        **{name: at.figure(name) for name in (*figures, "extrapolated")},
    )


def _expense(at: At) -> facts.Expense:
    found: dict[str, Any] = {"hardware": _hardware(at.at("hardware"))}
    for name in (field.name for field in fields(facts.Expense) if field.name != "hardware"):
        middle = name.removesuffix("_low").removesuffix("_high")
        if name.endswith("_because"):
            found[name] = at.text(name)
        else:  # the ends of a range are known where its middle is
            found[name] = at.number(name) if at.get(middle) is None and middle != "gpu_hours" else at.figure(name)
    return facts.Expense(**found)


def _hardware(at: At) -> facts.Hardware:
    read: dict[str, Callable[[str], Any]] = {
        "accelerator": at.text,
        "dtype": at.text,
        "price_date": at.text,
        "price_source": at.text,
        "note": at.text,
    }
    read |= dict.fromkeys(("peak_flops_per_second", "mfu", "mfu_low", "mfu_high"), at.figure)
    read |= dict.fromkeys(("mfu_assumed", "power_is_board_power"), at.flag)
    return facts.Hardware(**{field.name: read.get(field.name, at.number)(field.name) for field in fields(facts.Hardware)})


def _finding(at: At) -> facts.Finding:
    effects = at.texts("remedy_effects")
    # What can be typed stands before what are words only, so that an effect stands at the place of its remedy.
    typed = [(text,) for text in at.texts("remedies")]
    typed += [()] * (len(effects) - len(typed))  # type: ignore[list-item]
    return facts.Finding(
        rule=at.text("rule", None),
        message=at.text("message"),
        severity=None if at.get("severity") is None else at.one_of("severity", facts.Severity),
        remedies=tuple(facts.Remedy(overrides=overrides, effect=effect) for overrides, effect in zip(typed, effects, strict=False)),
        origin=_origin(at.at("origin")) if at.get("origin") is not None else facts.Origin(),
        subject=at.text("subject"),
        waived=at.text_or_none("waived"),
    )


def _unknown(at: At) -> facts.Unknown:
    return facts.Unknown(field=at.text("field"), reason=at.text("reason"), key=at.text_or_none("key"), remedies=at.texts("remedies"))


def _impossible(at: At) -> facts.Impossible:
    return facts.Impossible(field=at.text("field"), reason=at.text("reason"), key=at.text_or_none("key"))


def _origin(at: At) -> facts.Origin:
    return facts.Origin(
        key=at.text_or_none("key"),
        file=at.text_or_none("file"),
        line=at.whole("line"),
        override=at.text_or_none("override"),
        chain=at.texts("chain"),
        assumed=at.flag("assumed"),
        because=at.text("because"),
    )
