"""What a config reads from the environment is not told: where its value would stand in a sentence stands ``${oc.env:NAME}``.

The config of a pull request may name any variable of the machine that checks it, so what its text can reach must show none of them.
views.py notes each variable that ``oc.env`` gives a config, and each leaf that is made of one; nothing is noted, and nothing costs
anything, where no config reads the environment. ``redacted`` hides what was noted in a text, ``without_values`` in a value of facts/.

What is shown all the same, because it tells nothing or because hiding it would spoil every other sentence:

- a number that is a size or a count of the run (``WORLD_SIZE=8``, ``STEPS=1000``) stays exact in the fields that N, D and C are made
  of, and so in what ``explain`` and JSON show of these fields: N, D and C would tell it anyway. In messages, reasons and remedies a
  number of five digits or more is hidden wherever it stands, a shorter one where it stands as the value of the key it was read at;
- words of the tool's own (``warn``, ``strict``, ``true``), and texts of up to three characters, are hidden there alone too;
- texts of up to seven letters and digits are hidden where they stand as a word of their own.

A value that was cut short is hidden from its fourth or eighth character on. A number that is a secret can be computed with, and compared,
by whoever writes the config: only ``--untrusted``, which reads no variable, is proof against that.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from scalecheck.values import dataclass

T = TypeVar("T")
MAX_LEAVES = 2_000
"""Of leaves that are made of variables, no more than these are noted: those of a sweep may differ in each of its jobs."""
MAX_PIECES = 200
# Words of the tool's own, and fields of facts/ that hold a name of the tool's own.
_WORDS = frozenset(
    ("true", "false", "null", "none", "note", "warning", "error", "warn", "stop", "plan", "drop", "default", "strict", "auto", "pretrain",
     "finetune", "majority", "full", "causal", "windowed", "formula", "instantiate")
)  # fmt: skip
_IS_TOLD = frozenset(
    ("rule", "severity", "verdict", "mode", "on_reject", "family", "head", "field", "subject", "kind", "attention", "law", "judge", "parts",
     "params_convention", "tokens_status", "params_status", "model_dialect", "schedule_dialect")
)  # fmt: skip
_VARIABLE = r"oc\.env\s*:\s*['\"]?\s*([^\s,:'\"{}$]+)"
_DEFAULTS = r"(?ms)^(\s*)defaults\s*:(.*?)(?=^\1[^\s#-]|\Z)"
_NUMBER = r"(?<![\w.])[-+]?[0-9][0-9_,]*(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![\w])"
_SEPARATORS = r"[\s\[\]{}\"',:]+"
_SHORT, _WORD, _LONG_DIGITS = 4, 8, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaf:
    """A leaf that was made of variables: its key, its value as text, and what is written there."""

    key: str
    value: str
    written: str


class _Noted:
    """What was read from the environment in this process."""

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.leaves: dict[tuple[str, str], _Leaf] = {}
        self.reads = 0
        self.hider: _Hider | None = None


_NOTED = _Noted()


def mentioned(texts: Iterable[str]) -> frozenset[str]:
    """Return the names of the variables that texts of a config read with ``oc.env``."""
    return frozenset(name for text in texts if "oc.env" in text for name in re.findall(_VARIABLE, text))


def secrets(texts: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the values of those variables that texts of a config mention."""
    return {name: environ[name] for name in sorted(mentioned(texts)) if name in environ}


def note(name: str, value: str) -> None:
    """Note that a config was given the value of a variable."""
    _NOTED.reads += 1
    if _NOTED.variables.get(name) != value:
        _NOTED.variables[name] = value
        _NOTED.hider = None


def note_defaults(texts: Iterable[str], environ: Mapping[str, str]) -> None:
    """Note the variables that defaults lists mention: at a launch Hydra has composed already, and the names of files tell them."""
    for text in texts:
        if "oc.env" in text:
            for name, value in secrets((found[2] for found in re.finditer(_DEFAULTS, text)), environ).items():
                note(name, value)


def reads() -> int:
    """Return how often the environment was read so far; more than before, and what was read between them is made of it."""
    return _NOTED.reads


def note_leaf(key: str, value: Any, written: str) -> None:
    """Note the value of a leaf that is made of variables; ``written`` is its text in the config, with its ``${}``."""
    if isinstance(value, bool) or not isinstance(value, str | int | float) or len(_NOTED.leaves) >= MAX_LEAVES:
        return
    try:
        text = str(value)
    except ValueError:  # an integer of thousands of digits, which is shown nowhere
        return
    if (key, text) not in _NOTED.leaves:
        _NOTED.leaves[key, text] = _Leaf(key=key, value=text, written=written)
        _NOTED.hider = None


def forget() -> None:
    """Forget what was noted, for tests."""
    _NOTED.__init__()  # type: ignore[misc]


def redacted(text: str) -> str:
    """Return a text in which ``${oc.env:NAME}`` stands for the value of each variable that was noted."""
    if not _NOTED.variables:
        return text
    if _NOTED.hider is None:
        _NOTED.hider = _Hider(_NOTED.variables, tuple(_NOTED.leaves.values()))
    return _NOTED.hider.hide(text)


def without_values(value: T) -> T:
    """Return a value of facts/ with all its sentences ``redacted``; numbers, and names of the tool's own, stay as they are."""
    return value if not _NOTED.variables else _without(value)


def _without(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, tuple):
        made = [_without(item) for item in value]
        return value if all(new is old for new, old in zip(made, value, strict=True)) else tuple(made)
    if isinstance(value, Mapping):
        return {name: _without(item) for name, item in value.items()}
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    changed = {}
    for item in dataclasses.fields(value):
        old = getattr(value, item.name)
        new = old if item.name in _IS_TOLD else _without(old)
        if new is not old and new != old:
            changed[item.name] = new
    return dataclasses.replace(value, **changed) if changed else value


class _Hider:
    """Finds what is to be hidden, in one pass: what stands for a value is not looked through again."""

    def __init__(self, variables: Mapping[str, str], leaves: tuple[_Leaf, ...]) -> None:
        self.texts: dict[str, str] = {}  # what is to be hidden, in lower case -> what stands for it
        self.numbers: dict[float, str] = {}
        told = [(value, f"${{oc.env:{name}}}") for name, value in variables.items()]
        told += [(leaf.value, leaf.written) for leaf in leaves]
        for value, shown in told:
            self._add(value, shown)
        starts = sorted({re.escape(text[:_SHORT]) for text in self.texts}, reverse=True)
        self.starts = re.compile("|".join([r"\$\{oc\.env:[^{}]*\}", *starts]), re.IGNORECASE)
        self.by_start: dict[str, list[str]] = {}
        for text in sorted(self.texts, key=len, reverse=True):
            self.by_start.setdefault(text[:_SHORT], []).append(text)
        self.keyed = [_keyed(leaf) for leaf in leaves]

    def _add(self, value: str, shown: str) -> None:
        number = _number_of(value)
        if number is not None:
            if sum(character.isdigit() for character in value) >= _LONG_DIGITS:
                self.numbers.setdefault(number, shown)
            return
        for text in _spellings(value):
            if len(text) >= _SHORT and text.lower() not in _WORDS:
                self.texts.setdefault(_lower(text), shown)

    def hide(self, text: str) -> str:
        for pattern, written in self.keyed:
            text = pattern.sub(lambda found, written=written: found[1] + written, text)  # type: ignore[misc]
        made, place, lowered = [], 0, _lower(text)
        while self.texts and (found := self.starts.search(lowered, place)):
            hidden = None if found[0].startswith("${oc.env:") else self._at(lowered, found.start())
            end = found.end() if hidden is None and found[0].startswith("${oc.env:") else found.start() + (hidden[0] if hidden else 1)
            made += [text[place : found.start()], hidden[1] if hidden else text[found.start() : end]]
            place = end
        text = "".join([*made, text[place:]])
        return re.sub(_NUMBER, self._number, text) if self.numbers else text

    def _at(self, lowered: str, start: int) -> tuple[int, str] | None:
        """Return the length of the longest text that is to be hidden and stands here, whole or cut short, and what stands for it."""
        candidates = self.by_start.get(lowered[start : start + _SHORT], ())
        for hidden in candidates:
            if lowered.startswith(hidden, start) and _is_apart(lowered, start, hidden):
                return len(hidden), self.texts[hidden]
        length, hidden = max(((_common(lowered, start, hidden), hidden) for hidden in candidates), default=(0, ""))
        return (length, self.texts[hidden]) if _is_cut_short(lowered, start, length, hidden) else None

    def _number(self, found: re.Match[str]) -> str:
        number = _number_of(found[0].rstrip(",_"))
        shown = None if number is None else self.numbers.get(number)
        return found[0] if shown is None else shown + found[0][len(found[0].rstrip(",_")) :]


def _lower(text: str) -> str:
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text  # a few letters become two


def _spellings(value: str) -> Iterator[str]:
    """Yield a value as sentences may have it: as it is, in one line, escaped; and the texts of what it may decode to."""
    lines = [line.strip() for line in value.strip().splitlines()]
    escaped = "".join(mark if mark.isprintable() else mark.encode("unicode_escape", "replace").decode() for mark in value)
    yield from (value, value.strip(), " ".join(lines), repr(value)[1:-1], ascii(value)[1:-1], json.dumps(value)[1:-1], escaped, *lines)
    if value.strip()[:1] in ("{", "[", "'", '"'):
        yield from [piece for piece in re.split(_SEPARATORS, value) if _number_of(piece) is None][:MAX_PIECES]


def _number_of(text: str) -> float | None:
    try:
        return float(text.replace(",", "")) if text.strip()[-1:].isalnum() and any(map(str.isdigit, text)) else None
    except (ValueError, OverflowError):
        return None


def _keyed(leaf: _Leaf) -> tuple[re.Pattern[str], str]:
    """Return what finds a leaf's value where it is told as the value of its key: ``trainer.max_steps is -5``."""
    forms = {leaf.value, leaf.value[:57], *([f"{int(leaf.value):,}"] if re.fullmatch(r"-?[0-9]{1,30}", leaf.value) else [])}
    choices = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True) if form) or "(?!)"
    return re.compile(rf"((?<![\w.]){re.escape(leaf.key)}(?: is | = |=))(['\"]?)(?:{choices})\2(?![\w])"), leaf.written


def _is_apart(text: str, start: int, hidden: str) -> bool:
    if len(hidden) >= _WORD or not hidden.isalnum():
        return True
    before, after = text[start - 1 : start], text[start + len(hidden) : start + len(hidden) + 1]
    return not (before.isalnum() or after.isalnum())


def _common(text: str, start: int, hidden: str) -> int:
    length = 0
    while length < len(hidden) and text[start + length : start + length + 1] == hidden[length]:
        length += 1
    return length


def _is_cut_short(text: str, start: int, length: int, hidden: str) -> bool:
    """Tell whether a text that begins like one that is to be hidden is the beginning of it, rather than another that begins alike."""
    if not _SHORT <= length < len(hidden) or text[start - 1 : start].isalnum():
        return False
    after = text[start + length : start + length + 3]
    if after in ("", "...") and length >= _SHORT:
        return True
    return length >= (2 * _WORD if "/" in hidden[:length] else _WORD) and not after[:1].isalnum()
