"""A table on disk -> rows of text and numbers, and the column that holds a quantity. CSV, TSV, JSON lines, JSON, Parquet.

Every row keeps the words that find it again in the file, because a sentence about a bad loss must say which run it is.
"""

from __future__ import annotations

import csv
import importlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scalecheck.errors import ScalecheckError, did_you_mean
from scalecheck.text import clean
from scalecheck.values import dataclass

NAMES: Mapping[str, tuple[str, ...]] = {
    "params": ("params", "parameters", "n", "nparams", "numparams", "numparameters", "nparameters", "totalparams", "totalparameters",
               "modelsize", "modelparams", "paramcount"),
    "tokens": ("tokens", "d", "ntokens", "numtokens", "trainingtokens", "traintokens", "totaltokens", "tokensseen", "numtrainingtokens"),
    "loss": ("loss", "finalloss", "valloss", "validationloss", "evalloss", "testloss", "trainloss", "trainingloss", "smoothedloss",
             "finalvalloss", "finaltrainloss"),
    "flops": ("c", "flops", "trainingflops", "totalflops", "trainflops", "compute"),
}  # fmt: skip
"""What columns are called, in lower case and without what is no letter or digit."""

CONVENTION_NAMES: Mapping[str, tuple[str, ...]] = {
    "non_embedding": ("nonembeddingparams", "nonembeddingparameters", "nonembparams", "paramsnonembedding"),
    "active": ("activeparams", "activeparameters", "nactive", "paramsactive"),
}
"""Columns of parameters that say by their name which ones they count; they are taken where N is to be those."""

_WHAT = {"params": "parameters", "tokens": "training tokens", "loss": "final loss", "flops": "training FLOPs"}
_JSON_LINES = (".jsonl", ".ndjson")
_ENDINGS = (".csv", ".tsv", *_JSON_LINES, ".json", ".parquet")
_MAX_NAMED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One run as it stands in a file: ``label`` finds it (``row 3``), ``values`` are text or numbers by column."""

    label: str
    values: Mapping[str, Any]


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a table; the first line of a CSV file names the columns, and ``row 1`` is the line below it.

    Raises:
        ScalecheckError: a file that is missing, that cannot be read, or that holds no table; or Parquet without pyarrow.
    """
    ending = path.suffix.lower()
    if not path.exists():
        message = f"{path}: there is no such file; give a table of finished runs ({', '.join(_ENDINGS)}) or a multirun directory."
        raise ScalecheckError(message)
    if ending not in _ENDINGS:
        message = f"{path}: tables of runs are read from {', '.join(_ENDINGS)}, and from a multirun directory."
        raise ScalecheckError(message)
    try:
        records = _parquet(path) if ending == ".parquet" else _of_text(path, ending)
    except UnicodeDecodeError:
        message = f"{path}: this is not text in UTF-8, so no runs can be read from it."
        raise ScalecheckError(message) from None
    except OSError as error:
        message = f"{path}: it cannot be read ({error.strerror or error})."
        raise ScalecheckError(message) from None
    return [Row(label=f"row {number}", values=record) for number, record in enumerate(records, start=1)]


def column_names(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the columns of some rows in the order of their first appearance."""
    return tuple(dict.fromkeys(name for row in rows for name in row.values))


def column(quantity: str, asked: str | None, columns: Sequence[str], where: str, names: Sequence[str] = ()) -> str | None:
    """Return the column that holds a quantity: the asked one, else the only one that is called as such columns are, else ``None``.

    Raises:
        ScalecheckError: the asked one is not there, or several may be meant.
    """
    if asked is not None:
        if asked not in columns:
            message = f"{where}: --{quantity} {asked}: there is no such column.{did_you_mean(asked, columns)}"
            raise ScalecheckError(message)
        return asked
    known = names or NAMES[quantity]
    found = [name for name in columns if _bare(name) in known]
    found = found or [name for name in columns if _bare(name.rpartition(".")[2]) in known]  # config.model.n_params, as trackers export
    if len(found) > 1:
        message = (
            f"{where}: {_listed([repr(name) for name in found])} may each be the {_WHAT[quantity]}; "
            f"say which: --{quantity} {_quoted(found[0])}"
        )
        raise ScalecheckError(message)
    return found[0] if found else None


def required(found: str | None, quantity: str, columns: Sequence[str], where: str) -> str:
    """Return a column that was found.

    Raises:
        ScalecheckError: it was not; names the columns that are there.
    """
    if found is not None:
        return found
    there = ", ".join(clean(repr(name)) for name in columns[:_MAX_NAMED]) or "none"
    unit = "; it is in nats per token, which is the logarithm of a perplexity, and bits times 0.693" if quantity == "loss" else ""
    message = f"{where}: no column has a name for the {_WHAT[quantity]}; say which: --{quantity} NAME{unit}. Columns: {there}."
    raise ScalecheckError(message)


def labels(rows: Sequence[str]) -> str:
    """Return ``rows 3, 7 and 9``, a long list cut short; labels of one kind share their word."""
    numbers = [label.removeprefix("row ") for label in rows]
    word = "" if numbers == list(rows) else "row " if len(rows) == 1 else "rows "
    return word + _listed([clean(number) for number in numbers])


def _listed(words: Sequence[str]) -> str:
    if len(words) > _MAX_NAMED:
        return f"{', '.join(words[:_MAX_NAMED])} and {len(words) - _MAX_NAMED} more"
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def _bare(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())


def _flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return an object with the keys of the objects in it as ``outer.inner``, so that each is a column."""
    found: dict[str, Any] = {}
    for key, value in record.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {f"{prefix}{key}": value}
    return found


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[\w./-]+", name) else f'"{name}"'


def _of_text(path: Path, ending: str) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8-sig")
    if ending in _JSON_LINES:
        return [_record(line, f"{path}: line {number}") for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if ending == ".json":
        return _json(text, path)
    return _csv(text, path, "\t" if ending == ".tsv" else _delimiter(text))


def _delimiter(text: str) -> str:
    """Return what separates the columns of the first line; spreadsheets of some countries write semicolons."""
    first = text.split("\n", 1)[0]
    return max(",;\t", key=first.count)


def _csv(text: str, path: Path, delimiter: str) -> list[dict[str, Any]]:
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    try:
        lines = [line for line in reader if any(cell.strip() for cell in line)]
    except csv.Error as error:
        message = f"{path}: line {reader.line_num} is no CSV ({error})."
        raise ScalecheckError(message) from None
    names = [name.strip() for name in lines[0]] if lines else []
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        message = f"{path}: two columns are called {clean(repr(twice))}; give each a name of its own."
        raise ScalecheckError(message)
    for number, line in enumerate(lines[1:], start=1):
        if len(line) > len(names):
            message = f"{path}: row {number} has {len(line)} cells, and the first line names {len(names)} columns."
            raise ScalecheckError(message)
    return [dict(zip(names, line, strict=False)) for line in lines[1:]]


def _json(text: str, path: Path) -> list[dict[str, Any]]:
    try:
        loaded = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"{path}: this is no JSON ({error})."
        raise ScalecheckError(message) from None
    records = loaded if isinstance(loaded, list) else [loaded]
    if not all(isinstance(record, dict) for record in records):
        message = f"{path}: it needs a list of objects, one a run."
        raise ScalecheckError(message)
    return [_flat(record) for record in records]


def _record(line: str, where: str) -> dict[str, Any]:
    try:
        loaded = json.loads(line)
    except (ValueError, RecursionError) as error:
        message = f"{where} is no JSON ({error})."
        raise ScalecheckError(message) from None
    if not isinstance(loaded, dict):
        message = f"{where} is no JSON object; each line needs one, such as {{'params': 124e6, 'tokens': 2.5e9, 'loss': 3.2}}."
        raise ScalecheckError(message)
    return _flat(loaded)


def _parquet(path: Path) -> list[dict[str, Any]]:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError:
        message = f"{path}: to read Parquet, install pyarrow (pip install pyarrow), or save the table as CSV."
        raise ScalecheckError(message) from None
    try:
        records: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - pyarrow raises kinds of its own, and names what is wrong
        message = f"{path}: this is no Parquet ({error})."
        raise ScalecheckError(message) from None
    return records
