"""How many tokens a tokenizer on disk has, read from its files without the libraries that made them; never the network.

The number is ``len(tokenizer)``: the vocabulary, what was added to it, and the special tokens that are named beside it and not in it yet.
Files of which that is not clear (ids with holes, a class that adds tokens of its own) are refused with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from scalecheck.values import dataclass

MAX_BYTES = 64_000_000
MASKS = frozenset(("[MASK]", "<mask>", "<|mask|>", "<mask_1>"))
_LARGEST_ID = 10**8
_LENGTH_DELIMITED = 2
# sentencepiece_model.proto of google/sentencepiece: a ModelProto's pieces, settings, self-test and normaliser, then extensions.
_PIECES, _LAST_FIELD, _FIRST_EXTENSION = 1, 5, 200
# What fairseq's Dictionary has before the lines of its file: <s>, <pad>, </s>, <unk> (fairseq/data/dictionary.py).
_FAIRSEQ_SPECIALS = 4
# Classes of transformers that take a sentencepiece model's pieces as they are; others shift them, or add sentinels and a mask.
_PLAIN_CLASSES = (None, "LlamaTokenizer", "LlamaTokenizerFast", "CodeLlamaTokenizer", "GemmaTokenizer", "GemmaTokenizerFast")
_SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_MORE_SPECIAL = ("additional_special_tokens", "extra_special_tokens")
Ids = dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensOnDisk:
    """The tokens that a file has, and whether one of them is a mask; ``what`` says how they were counted, if not one by one."""

    size: int
    has_mask_token: bool
    path: Path
    what: str = ""


class _RefusedError(ValueError):
    """A file that is there, and does not tell; the message is the rest of a sentence that begins with its path."""


def _refuse(reason: str) -> NoReturn:
    raise _RefusedError(reason)


def tokens_on_disk(path: Path) -> TokensOnDisk | str | None:
    """Return what a tokenizer's directory or file tells, or why it does not; ``None`` where there is none at all.

    Of a directory's files the one counts that transformers would take: ``tokenizer.json``, else the vocabulary of a slow tokenizer.
    """
    file = next((path / name for name in ("", *_READERS) if _is_file(path / name)), None)
    if file is None:
        return None
    try:
        return _counted(file, beside=path if file != path else None)
    except _RefusedError as refusal:
        return f"{file} {refusal}"
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return f"{file} is no tokenizer's file that can be read"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or a folder that may not be looked into
        return False


def _counted(file: Path, beside: Path | None) -> TokensOnDisk:
    reader = _READERS.get(file.name) or _BY_SUFFIX.get(file.suffix)
    if reader is None:
        _refuse("is of no form that is known (tokenizer.json, vocab.json, vocab.txt, tokenizer.model, dict.txt)")
    ids = reader(file)
    has_mask = None if beside is None else _add_what_stands_beside(ids, beside, is_pieces=reader is _sentencepiece)
    size, needed = len(ids), max(ids.values(), default=-1) + 1
    if size == 0:
        _refuse("has no tokens")
    if size != needed or len(set(ids.values())) != size:
        _refuse(f"has {size:,} tokens with ids up to {needed - 1:,}: how many rows they get is not clear")
    what = f"{size - _FAIRSEQ_SPECIALS:,} lines and {_FAIRSEQ_SPECIALS} special symbols" if reader is _fairseq else ""
    return TokensOnDisk(size=size, has_mask_token=bool(MASKS & ids.keys()) if has_mask is None else has_mask, path=file, what=what)


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        _refuse(f"is larger than {MAX_BYTES // 10**6} MB and is not read")
    return data


def _json(file: Path) -> Any:
    return json.loads(_read(file).decode("utf-8"))


def _rows(file: Path) -> list[str]:
    """Return the lines as a text file's own iterator does: other separators of Unicode may stand inside a token."""
    lines = _read(file).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


def _json_vocabulary(file: Path) -> Ids:
    """The ``tokenizers`` library's file: a vocabulary (a mapping, or a list of pieces with scores), and tokens added; or a bare mapping."""
    tree = _json(file)
    if isinstance(tree, dict) and "model" in tree and not isinstance(tree["model"], int):
        vocabulary = tree["model"]["vocab"]
        ids = {str(piece[0]): number for number, piece in enumerate(vocabulary)} if isinstance(vocabulary, list) else _ids(vocabulary)
        return ids | _ids({token["content"]: token["id"] for token in tree.get("added_tokens") or ()})
    return _ids(tree)


def _ids(mapping: Any) -> Ids:
    if not isinstance(mapping, Mapping) or not all(type(number) is int and 0 <= number < _LARGEST_ID for number in mapping.values()):
        _refuse("is no mapping of tokens to their ids")
    return {str(token): number for token, number in mapping.items()}


def _lines(file: Path) -> Ids:
    """BERT's vocab.txt: a token per line (transformers, models/bert/tokenization_bert.py)."""
    rows = _rows(file)
    ids = {token: number for number, token in enumerate(rows)}
    if len(ids) != len(rows):
        _refuse("has a line twice, so it is no list of tokens")
    return ids


def _fairseq(file: Path) -> Ids:
    """Read fairseq's dict.txt: a symbol and its count per line, behind four special symbols (fairseq/data/dictionary.py)."""
    ids = {f"special {number}": number for number in range(_FAIRSEQ_SPECIALS)}
    for row in _rows(file):
        symbol, _, count = row.rpartition(" ")
        if not symbol or not count.isdigit():
            _refuse(f"is no dictionary of fairseq: it has the line {row[:40]!r}")
        ids[symbol] = len(ids)
    return ids if len(ids) > _FAIRSEQ_SPECIALS else {}


def _sentencepiece(file: Path) -> Ids:
    """Read sentencepiece's ModelProto: each of its fields 1 is a piece, whose own field 1 is its text."""
    ids: Ids = {}
    for field, piece in _fields(_read(file)):
        if _LAST_FIELD < field < _FIRST_EXTENSION:
            _refuse("is no model of sentencepiece")
        if field == _PIECES:
            text = next((text for number, text in _fields(piece) if number == 1), b"").decode("utf-8")
            ids[text] = len(ids)
    return ids


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield a protocol buffer's fields; those that are no text of bytes come with none."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind, end = tag & 7, at
        if kind == _LENGTH_DELIMITED:
            length, at = _varint(data, at)
            end = at + length
        elif kind == 0:
            _, end = _varint(data, at)
        else:
            end += {1: 8, 5: 4}.get(kind, len(data) + 1)
        if end > len(data):
            _refuse("is no model of sentencepiece")
        yield tag >> 3, data[at:end] if kind == _LENGTH_DELIMITED else b""
        at = end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
    _refuse("is no model of sentencepiece")


def _add_what_stands_beside(ids: Ids, directory: Path, *, is_pieces: bool) -> bool | None:
    """Add the tokens of the files that transformers reads with a vocabulary, and the special ones that none of them has an id for.

    Returns whether they name a mask token, ``None`` where they name no special token at all.
    """
    settings, specials, added = (
        _json(directory / name) if _is_file(directory / name) else {}
        for name in ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
    )
    if is_pieces and settings.get("tokenizer_class") not in _PLAIN_CLASSES:
        _refuse(f"is read by {settings['tokenizer_class']}, which adds tokens of its own")
    ids |= _ids(added)
    ids |= {_content(token): int(number) for number, token in (settings.get("added_tokens_decoder") or {}).items()}
    for token in (*_special(settings), *_special(specials)):
        ids.setdefault(token, len(ids))
    named = settings | specials
    return bool(named.get("mask_token")) if any(name in named for name in _SPECIAL) else None


def _special(settings: Mapping[str, Any]) -> Iterator[str]:
    yield from (_content(settings[name]) for name in _SPECIAL if settings.get(name))
    for name in _MORE_SPECIAL:
        more = settings.get(name) or ()
        yield from (_content(token) for token in (more.values() if isinstance(more, dict) else more))


def _content(token: Any) -> str:
    return token if isinstance(token, str) else str(token["content"])


Reader = Callable[[Path], Ids]
_READERS: Mapping[str, Reader] = {
    "tokenizer.json": _json_vocabulary,
    "tokenizer.model": _sentencepiece,
    "spiece.model": _sentencepiece,
    "vocab.json": _json_vocabulary,
    "vocab.txt": _lines,
    "dict.txt": _fairseq,
}
_BY_SUFFIX: Mapping[str, Reader] = {".model": _sentencepiece, ".json": _json_vocabulary, ".txt": _lines}
