"""A law of one's own on disk: what ``scalecheck fit`` writes, and what ``law: path/to/mine.yaml`` of a policy reads.

The file holds a ``LossSurface``, L(N, D) = E + A/N^alpha + B/D^beta, and what a reader must know about it: which parameters
N counts, the data, the range of the runs. Everything that judging uses is checked, because a law that is off by one key
would judge every run of a team. The node ``fit`` is free: it records how the fit went, and judging ignores it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast, get_args

import yaml

from scalecheck.atomic import umask, written_beside
from scalecheck.errors import ScalecheckError, did_you_mean
from scalecheck.forms import Bounds, Citation, FittedRange, Law, LossSurface, ParamsConvention
from scalecheck.options import count_or_none
from scalecheck.text import shown

FORM = "loss_surface"
PARAMS_CONVENTIONS: tuple[ParamsConvention, ...] = get_args(ParamsConvention)
COEFFICIENTS = ("E", "A", "B", "alpha", "beta")
COVARIANCE_ORDER = "log A, log B, log E, alpha, beta"
_RANGES = ("params", "flops", "tokens_per_parameter")
_KEYS = ("name", "form", "params_convention", "data", "fitted_range", *COEFFICIENTS, "log_covariance", "note", "fit")
_SYMMETRY_TOLERANCE = 1e-9


def read_law(path: Path) -> LossSurface:
    """Return the law in a file.

    Raises:
        ScalecheckError: the file cannot be read or holds no law; one sentence with the file, the key, what stands there and
            what may stand there.
    """
    return law_of(_node(path), str(path))


def write_law(path: Path, law: LossSurface, fit: Mapping[str, Any], *, replace: bool = False) -> None:
    """Write a law whole or not at all, and directories that it needs; ``read_law`` returns it exactly, but for its citation.

    ``fit`` is what to record of the fit, in plain values. An existing law is replaced, any other file only with ``replace``.

    Raises:
        ScalecheckError: the file is there and is no law, or cannot be written.
    """
    refuse_to_write(path, replace=replace)
    header = f"# A scaling law of one's own, written by `scalecheck fit`. To judge runs with it: law: {path}\n"
    text = header + yaml.safe_dump(_plain(law, fit), sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(path, text) as temporary:
            Path(temporary).chmod(0o644 & ~umask())  # a temporary file is readable by its owner alone; a law is for a team
            os.replace(temporary, path)  # noqa: PTH105 - atomic on every platform
    except OSError as error:
        message = f"{path}: the law cannot be written ({error.strerror or error}); give --out a path that you may write to."
        raise ScalecheckError(message) from None


def refuse_to_write(path: Path, *, replace: bool = False) -> None:
    """Say before the work, not after it, that a law cannot be written here.

    Raises:
        ScalecheckError: not a .yaml, a directory, a file that is no law, or a place where nothing may be written.
    """
    if path.suffix not in (".yaml", ".yml"):
        message = f"--out {path}: a law is a YAML file, so that a policy can name it; end the name in .yaml."
        raise ScalecheckError(message)
    if path.is_dir():
        message = f"--out {path}: this is a directory; give the file in it that shall hold the law."
        raise ScalecheckError(message)
    if path.exists() and not replace:
        try:
            read_law(path)
        except ScalecheckError:
            message = f"--out {path}: the file is there and holds no law that can be read, so it is left alone; --force replaces it."
            raise ScalecheckError(message) from None
    above = next(parent for parent in path.absolute().parents if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        message = f"--out {path}: nothing can be written in {above}; give a path that you may write to."
        raise ScalecheckError(message)


def law_of(node: Any, file: str) -> LossSurface:
    """Return the law that a file's content describes; ``file`` names it in sentences.

    Raises:
        ScalecheckError: as ``read_law``.
    """
    if not isinstance(node, Mapping):
        message = f"{file}: it holds {shown(node)}; a law's file has the keys {', '.join(_KEYS)}."
        raise ScalecheckError(message)
    _refuse_unknown(node, _KEYS, file, "")
    if node.get("form", FORM) != FORM:
        message = f"{file}: form is {shown(node['form'])}; it must be {FORM}, L = E + A/N^alpha + B/D^beta."
        raise ScalecheckError(message)
    name = _text(node, "name", file) or Path(file).stem
    return LossSurface(
        name=name,
        citation=Citation(authors="your own fit", year=0, arxiv="", where=file),
        params_convention=_convention(node, file),
        data=_text(node, "data", file),
        fitted_range=_fitted_range(node.get("fitted_range"), file),
        note=_text(node, "note", file),
        log_covariance=_covariance(node.get("log_covariance"), file),
        E=_coefficient(node, "E", file, at_least_zero=True),
        A=_coefficient(node, "A", file),
        B=_coefficient(node, "B", file),
        alpha=_coefficient(node, "alpha", file),
        beta=_coefficient(node, "beta", file),
    )


def plain_law(law: Law) -> dict[str, Any] | None:
    """Return a law as plain values: the keys of its file and, as ``file``, where that is; ``law_of_plain`` returns it exactly.

    ``None``: it has another form than a file can hold.
    """
    return _plain(law, {}) | {"file": law.citation.where} if isinstance(law, LossSurface) else None


def law_of_plain(node: Any, place: str) -> LossSurface:
    """Return the law that ``plain_law`` has made plain values of; ``place`` names them in sentences.

    Raises:
        ScalecheckError: as ``read_law``.
    """
    law = law_of({key: value for key, value in node.items() if key != "file"} if isinstance(node, Mapping) else node, place)
    return replace(law, citation=replace(law.citation, where=_text(node, "file", place)))


def _plain(law: LossSurface, fit: Mapping[str, Any]) -> dict[str, Any]:
    ranges = {name: getattr(law.fitted_range, name) for name in _RANGES}
    covariance = law.log_covariance
    return {
        "name": law.name,
        "form": FORM,
        "params_convention": law.params_convention,
        "data": law.data,
        "fitted_range": {name: [float(bound) for bound in bounds] for name, bounds in ranges.items() if bounds},
        **{name: float(getattr(law, name)) for name in COEFFICIENTS},
        **({"log_covariance": [[float(value) for value in row] for row in covariance]} if covariance else {}),
        "note": law.note,
        "fit": dict(fit),
    }


MAX_ALIASES = 20
"""Some dozens, each of several others, can mean more than can be shown."""


def _node(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
        is_knotted = sum(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)) > MAX_ALIASES
        found = None if is_knotted else yaml.safe_load(text)
    except OSError as error:
        message = f"{path}: it cannot be read ({error.strerror or error}); give the file that `scalecheck fit --out` wrote."
        raise ScalecheckError(message) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        message = f"{path}{place}: this is no YAML ({getattr(error, 'problem', None) or type(error).__name__}), so it holds no law."
        raise ScalecheckError(message) from None
    if is_knotted:
        message = f"{path}: it has more than {MAX_ALIASES} aliases of anchors, and a law has a dozen numbers."
        raise ScalecheckError(message)
    return found


def _refuse_unknown(node: Mapping[Any, Any], known: Sequence[str], file: str, prefix: str) -> None:
    for key in node:
        if key not in known:
            message = f"{file}: a law has no key {prefix}{shown(key) if not isinstance(key, str) else key}.{did_you_mean(str(key), known)}"
            raise ScalecheckError(message)


def _text(node: Mapping[Any, Any], key: str, file: str) -> str:
    value = node.get(key)
    if value is None or isinstance(value, str):
        return value or ""
    message = f"{file}: {key} is {shown(value)}; it needs a text."
    raise ScalecheckError(message)


def _convention(node: Mapping[Any, Any], file: str) -> ParamsConvention:
    value = node.get("params_convention")
    if value in PARAMS_CONVENTIONS:
        return cast("ParamsConvention", value)
    found = "is missing" if value is None else f"is {shown(value)}"
    message = f"{file}: params_convention {found}; it says which parameters N counts: {', '.join(PARAMS_CONVENTIONS)}."
    raise ScalecheckError(message)


def _coefficient(node: Mapping[Any, Any], key: str, file: str, *, at_least_zero: bool = False) -> float:
    """Return a coefficient above 0. E alone may be 0: a loss that would fall to nothing."""
    wanted = "a finite number of 0 or more, in nats per token" if at_least_zero else "a finite number above 0"
    if node.get(key) is None:
        message = f"{file}: the coefficient {key} is missing; it needs {wanted}."
        raise ScalecheckError(message)
    value = _number(node[key])
    if value is None or not (value >= 0 if at_least_zero else value > 0):
        message = f"{file}: the coefficient {key} is {shown(node[key])}; it needs {wanted}."
        raise ScalecheckError(message)
    return value


def _number(value: Any) -> float | None:
    """Return a finite float; YAML 1.1 reads 1e21, without a point, as text. ``None``: no finite number."""
    count = count_or_none(value) if isinstance(value, str) else value
    if isinstance(count, bool) or not isinstance(count, int | float):
        return None
    try:
        return float(count) if math.isfinite(count) else None
    except OverflowError:  # an int beyond 1.8e308
        return None


def _fitted_range(node: Any, file: str) -> FittedRange:
    if node is None:
        return FittedRange()
    if not isinstance(node, Mapping):
        message = f"{file}: fitted_range is {shown(node)}; it needs {', '.join(_RANGES)}, each with [smallest, largest]."
        raise ScalecheckError(message)
    _refuse_unknown(node, _RANGES, file, "fitted_range.")
    return FittedRange(**{key: _bounds(value, f"fitted_range.{key}", file) for key, value in node.items() if value is not None})


def _bounds(value: Any, key: str, file: str) -> Bounds:
    numbers = [_number(item) for item in value] if isinstance(value, list) else []
    if len(numbers) == 2 and numbers[0] is not None and numbers[1] is not None and 0 < numbers[0] <= numbers[1]:
        return numbers[0], numbers[1]
    message = f"{file}: {key} is {shown(value)}; it needs [smallest, largest], two numbers above 0."
    raise ScalecheckError(message)


def _covariance(value: Any, file: str) -> tuple[tuple[float, ...], ...] | None:
    """Return the covariance in (log A, log B, log E, alpha, beta); what is no covariance would give an interval that looks like one."""
    if value is None:
        return None
    size = len(COEFFICIENTS)
    if not isinstance(value, list) or len(value) != size or not all(isinstance(row, list) and len(row) == size for row in value):
        message = f"{file}: log_covariance is {shown(value)}; it needs {size} rows of {size} numbers, in the order {COVARIANCE_ORDER}."
        raise ScalecheckError(message)
    rows = [[_signed(value[row][column], f"log_covariance[{row}][{column}]", file) for column in range(size)] for row in range(size)]
    for row in range(size):
        if rows[row][row] < 0:
            message = f"{file}: log_covariance[{row}][{row}] is {rows[row][row]:g}; it is a variance, so it needs 0 or more."
            raise ScalecheckError(message)
        for column in range(row):
            if abs(rows[row][column] - rows[column][row]) > _SYMMETRY_TOLERANCE * math.sqrt(rows[row][row] * rows[column][column]):
                message = (
                    f"{file}: log_covariance is not symmetric: [{row}][{column}] is {rows[row][column]:g} "
                    f"and [{column}][{row}] is {rows[column][row]:g}; a covariance has the same number in both places."
                )
                raise ScalecheckError(message)
    return tuple(tuple(row) for row in rows)


def _signed(value: Any, key: str, file: str) -> float:
    number = _number(value.removeprefix("-")) if isinstance(value, str) else _number(value)
    if number is None:
        message = f"{file}: {key} is {shown(value)}; it needs a finite number."
        raise ScalecheckError(message)
    return -number if isinstance(value, str) and value.startswith("-") else number
