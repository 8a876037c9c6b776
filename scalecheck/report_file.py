"""A JSON report back into the values that it was rendered from, so that any format renders from it, also later."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn, get_args

from scalecheck import facts
from scalecheck.errors import ScalecheckError
from scalecheck.formats.json import SCHEMA_VERSION
from scalecheck.text import shown
from scalecheck.values import dataclass

_WRITE_ONE = "scalecheck check --output json:FILE writes one"


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
        message = f"{path}: it is not a report of scalecheck, but nested too deeply; {_WRITE_ONE}."
        raise ScalecheckError(message) from None
    except ValueError as error:
        message = f"{path}: it is not JSON, or not all of it: {shown(str(error))[1:-1]}; {_WRITE_ONE}."
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
    top = _At(value=data, where="")
    if not isinstance(data, dict) or "schema_version" not in data or "jobs" not in data:
        message = f"it is not a report of scalecheck: it has no schema_version and jobs; {_WRITE_ONE}."
        raise ScalecheckError(message)
    version = data["schema_version"]
    if isinstance(version, int) and not isinstance(version, bool) and version > SCHEMA_VERSION:
        made_by = f", of scalecheck {shown(data['scalecheck_version'])[1:-1]}" if isinstance(data.get("scalecheck_version"), str) else ""
        message = f"it has schema_version {shown(version)}{made_by}; this scalecheck reads up to {SCHEMA_VERSION}: install a newer one."
        raise ScalecheckError(message)
    if version is True or version != SCHEMA_VERSION:
        message = f"it is not a report of scalecheck: schema_version is {shown(version)}, not {SCHEMA_VERSION}; {_WRITE_ONE}."
        raise ScalecheckError(message)
    return facts.Report(
        jobs=tuple(_job(job) for job in top.entries("jobs")),
        findings=tuple(_finding(finding) for finding in top.entries("sweep_findings")),
        mode=top.text("mode", "warn"),
        on_reject=top.text("on_reject", "stop"),
        verdict=top.one_of("verdict", facts.Verdict, "pass"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _At:
    """A value of the file and the place where it stands, for a sentence on it. A key that is missing is null: older reports have fewer."""

    value: Any
    where: str

    def refuse(self, wanted: str) -> NoReturn:
        """Say that something else was to stand here."""
        message = f"it is not a report of scalecheck: {self.where or 'it'} is {shown(self.value)}, not {wanted}; {_WRITE_ONE}."
        raise ScalecheckError(message)

    def get(self, key: str) -> Any:
        """Return what stands at a key."""
        return self.value.get(key) if isinstance(self.value, dict) else self.refuse("an object")

    def at(self, key: str) -> _At:
        """Return what stands at a key, with its place: a report has a hundred values a job, so only where the place is of use."""
        return _At(value=self.get(key), where=f"{self.where}.{key}" if self.where else key)

    def text(self, key: str, default: str | None = "") -> str:
        """Return a text; where it is null the default, unless that is ``None``."""
        found = self.get(key)
        value = default if found is None else found
        return value if isinstance(value, str) else self.at(key).refuse("a text")

    def text_or_none(self, key: str) -> str | None:
        """Return a text or null."""
        return None if self.get(key) is None else self.text(key)

    def one_of(self, key: str, literal: Any, default: str | None = None) -> Any:
        """Return one of the words of a Literal; where it is null the default, unless that is ``None``."""
        found = self.text(key, default)
        return found if found in get_args(literal) else self.at(key).refuse(f"one of {', '.join(get_args(literal))}")

    def flag(self, key: str) -> bool:
        """Return true or false; null is false."""
        found = self.get(key)
        return bool(found) if isinstance(found, bool | None) else self.at(key).refuse("true or false")

    def number(self, key: str) -> Any:
        """Return a number or null, as an int where it was written as one."""
        found = self.get(key)
        is_number = isinstance(found, int | float) and not isinstance(found, bool)
        if found is not None and (not is_number or (isinstance(found, float) and not math.isfinite(found))):
            self.at(key).refuse("a number or null")
        return found

    def whole(self, key: str) -> int | None:
        """Return an int or null."""
        found = self.number(key)
        return found if isinstance(found, int | None) else self.at(key).refuse("a whole number or null")

    def figure(self, key: str) -> Any:
        """Return a number; null, which an infinity was written as, is NaN, which is written as null again."""
        found = self.number(key)
        return math.nan if found is None else found

    def entries(self, key: str) -> Iterator[_At]:
        """Yield the items of a list; null is an empty one."""
        found = self.at(key)
        if not isinstance(found.value, list | None):
            found.refuse("a list")
        for number, item in enumerate(found.value or ()):
            yield _At(value=item, where=f"{found.where}[{number}]")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(item.value if isinstance(item.value, str) else item.refuse("a text") for item in self.entries(key))

    def items(self, key: str) -> Iterator[tuple[str, _At]]:
        """Yield the names and values of an object; null is an empty one."""
        found = self.at(key)
        if not isinstance(found.value, dict | None):
            found.refuse("an object")
        for name in found.value or ():
            yield name, found.at(name)


def _job(at: _At) -> facts.Job:
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


def _reading(at: _At) -> facts.Reading:
    family, status = at.text("family"), _status(at, "tokens", facts.TokensStatus)
    numbers = ("tokens_per_step", "num_steps", "sequence_length", "unique_tokens", "epochs", "time_limit_hours")
    plan = facts.TrainingPlan(
        training_tokens=at.number("training_tokens_per_device" if status == "per_device" else "training_tokens"),
        tokens_status=status,
        intent=at.text("intent", "pretrain"),
        intent_reason=at.text("intent_reason"),
        **{name: at.number(name) for name in numbers},
    )
    return facts.Reading(
        # A report tells the family and none of its sizes, and no format shows them.
        shape=facts.ModelShape(family=family, num_layers=0, hidden_size=0, vocab_size=None) if family else None,
        plan=plan,
        module=None if at.get("module") is None else _module(at.at("module")),
        origins={name: _origin(item) for name, item in at.items("origins")},
        unknowns=tuple(_unknown(item) for item in at.entries("unknowns")),
        model_dialect=at.text_or_none("model_dialect"),
        schedule_dialect=at.text_or_none("schedule_dialect"),
    )


def _account(at: _At) -> facts.Account:
    params = ("total_params", "active_params", "trainable_params", "non_embedding_params", "embedding_params")
    return facts.Account(
        params_status=_status(at, "params", facts.ParamsStatus),
        attention=at.one_of("attention", facts.AttentionConvention, "full"),
        training_flops_because=at.text("training_flops_because"),
        **{name: at.number(name) for name in (*params, "training_tokens", "training_flops", "tokens_per_parameter")},
    )


def _status(at: _At, key: str, literal: Any) -> Any:
    return "unknown" if at.get("status") is None else at.at("status").one_of(key, literal, "unknown")


def _module(at: _At) -> facts.ModuleCount:
    return facts.ModuleCount(
        target=at.text("target"),
        total_params=at.figure("total_params"),
        trainable_params=at.figure("trainable_params"),
        params_by_module=tuple((name, at.at("params_by_module").figure(name)) for name, _ in at.items("params_by_module")),
        forward_flops_per_sequence=at.number("forward_flops_per_sequence"),
        flops_because=at.text("flops_because"),
    )


def _outlook(law: str, at: _At) -> facts.Outlook:
    bounds = at.get("interval")
    if bounds is not None and (not isinstance(bounds, list) or len(bounds) != 2):
        at.at("interval").refuse("two numbers or null")
    low, high = (_At(value={"": bound}, where=f"{at.where}.interval").figure("") for bound in bounds or (None, None))
    optional = ("wasted_compute", "predicted_loss", "loss_at_optimum", "effective_tokens", "effective_loss")
    figures = ("params", "law_flops", "optimal_params", "optimal_tokens", "tokens_per_parameter", "multiple", "tokens_for_this_model")
    return facts.Outlook(
        law=law,
        params_convention=at.text("params_convention"),
        interval=(low, high) if bounds else None,
        **{name: at.number(name) for name in optional},
        **{name: at.figure(name) for name in (*figures, "extrapolated")},
    )


def _expense(at: _At) -> facts.Expense:
    found: dict[str, Any] = {"hardware": _hardware(at.at("hardware"))}
    for name in (field.name for field in fields(facts.Expense) if field.name != "hardware"):
        middle = name.removesuffix("_low").removesuffix("_high")
        if name.endswith("_because"):
            found[name] = at.text(name)
        else:  # the ends of a range are known where its middle is
            found[name] = at.number(name) if at.get(middle) is None and middle != "gpu_hours" else at.figure(name)
    return facts.Expense(**found)


def _hardware(at: _At) -> facts.Hardware:
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


def _finding(at: _At) -> facts.Finding:
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


def _unknown(at: _At) -> facts.Unknown:
    return facts.Unknown(field=at.text("field"), reason=at.text("reason"), key=at.text_or_none("key"), remedies=at.texts("remedies"))


def _origin(at: _At) -> facts.Origin:
    return facts.Origin(
        key=at.text_or_none("key"),
        file=at.text_or_none("file"),
        line=at.whole("line"),
        override=at.text_or_none("override"),
        chain=at.texts("chain"),
        assumed=at.flag("assumed"),
        because=at.text("because"),
    )
