"""Tokenizers on disk: files are read without the libraries that made them, and what is broken is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalecheck import tokenizer_files
from scalecheck.tokenizer_files import tokens_on_disk


def sentencepiece(*pieces: bytes) -> bytes:
    """A ModelProto: each piece a field 1, which has its text in a field 1, a score in a field 2 and a type in a field 3."""
    body = b""
    for text in pieces:
        piece = b"\x0a" + bytes([len(text)]) + text + b"\x15\x00\x00\x00\x00" + b"\x18\x01"
        body += b"\x0a" + bytes([len(piece)]) + piece
    return body + b"\x12\x03abc"  # the trainer's settings follow


@pytest.fixture
def on_disk(tmp_path):
    def written(**files):
        for name, content in files.items():
            path = tmp_path / name.replace("__", ".")
            path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return tokens_on_disk(tmp_path)

    return written


def test_tokenizer_json_has_a_vocabulary_and_added_tokens(on_disk):
    added = [{"content": "[MASK]", "id": 2}, {"content": "a", "id": 0}]
    found = on_disk(tokenizer__json={"model": {"vocab": {"a": 0, "b": 1}}, "added_tokens": added})
    assert (found.size, found.has_mask_token) == (3, True)


def test_unigram_vocabulary_is_a_list(on_disk):
    assert on_disk(tokenizer__json={"model": {"vocab": [["a", -1.0], ["b", -2.0], ["c", -3.0]]}}).size == 3


def test_vocab_json_with_tokens_added_beside_it(on_disk):
    assert on_disk(vocab__json={"a": 0, "b": 1}, added_tokens__json={"<x>": 2}).size == 3


def test_vocab_txt_has_a_token_per_line(on_disk):
    found = on_disk(vocab__txt=b"[PAD]\n[UNK]\n[MASK]\na\nb\n")
    assert (found.size, found.has_mask_token) == (5, True)


def test_sentencepiece_model_has_a_field_per_piece(on_disk):
    assert on_disk(tokenizer__model=sentencepiece(b"<unk>", b"<s>", b"</s>", b"\xe2\x96\x81a")).size == 4


def test_file_itself_may_be_named(tmp_path):
    path = tmp_path / "allenai_dolma2.json"
    path.write_text(json.dumps({"model": {"vocab": {"a": 0}}}))
    assert tokens_on_disk(path).size == 1


@pytest.mark.parametrize(
    "files",
    [
        {"tokenizer__json": b"{"},
        {"tokenizer__json": {"model": {}}},
        {"tokenizer__json": {"model": {"vocab": {"a": "0"}}}},
        {"tokenizer__json": {"model": {"vocab": {"a": -1}}}},
        {"tokenizer__json": {"model": {"vocab": {"a": 10**12}}}},
        {"tokenizer__json": b"[" * 100_000},
        {"vocab__json": ["a"]},
        {"vocab__txt": b"\xff\xfe"},
        {"vocab__txt": b""},
        {"tokenizer__model": b"a text, not a protocol buffer"},
        {"tokenizer__model": b"\x0a\xff\xff\xff\x7f"},
        {"tokenizer__json": ["a"]},
        {"tokenizer__json": {"model": {"vocab": [1, 2]}}},
        {"tokenizer__json": {"model": {"vocab": [["a", -1.0], ["a", -2.0]]}}},
        {"tokenizer__json": {"model": {"vocab": {"a": 0}}, "added_tokens": [{"content": "b"}]}},
        {"tokenizer__json": {"model": {"vocab": {"a": 0, "b": 2}}}},
        {"tokenizer__json": {"model": {"vocab": {"a": 0, "b": 0}}}},
        {"tokenizer__json": {"model": {"vocab": {"a": 0, "b": 2, "c": 2}}}},
        {"vocab__json": {"a": True}},
        {"vocab__txt": b"a\nb\na\n"},
        {"dict__txt": b"a 10\nb\n"},
        {"dict__txt": b"a 10\nb c\n"},
        {"dict__txt": b"a 10\na 9\n"},
        {"dict__txt": b""},
        {"tokenizer__model": b"IQ== 0\nIg== 1\nIw== 2\n"},  # what Llama 3 has under that name: base64 and a rank
        {"tokenizer__model": b"\x0a\x05ab"},
        {"tokenizer__model": b"\x0b"},
        {"tokenizer__model": sentencepiece(b"a", b"a")},
        {"tokenizer__model": sentencepiece(b"a") + b"\x4a\x01a"},
        {"tokenizer__model": sentencepiece(b"a", b"b", b"a", b"c")},
    ],
)
def test_what_is_broken_is_refused_with_its_path(on_disk, tmp_path, files):
    refusal = on_disk(**files)
    assert isinstance(refusal, str)
    assert refusal.startswith(str(tmp_path))


def test_large_file_is_not_read(on_disk, monkeypatch):
    monkeypatch.setattr(tokenizer_files, "MAX_BYTES", 10)
    assert "larger than" in on_disk(vocab__json={"a": 0, "b": 1})


@pytest.mark.parametrize("name", ["nothing", "x" * 5000, "a\x00b", "a/b/c"])
def test_what_is_not_there_is_none(tmp_path, name):
    assert tokens_on_disk(tmp_path / name) is None


def test_folder_without_a_tokenizer_is_none(on_disk):
    assert on_disk(README__md=b"") is None


def test_device_is_not_read():
    assert tokens_on_disk(Path("/dev/zero")) is None


def test_file_of_another_form_is_refused(tmp_path):
    path = tmp_path / "meta.pkl"
    path.write_bytes(b"\x80\x04")
    assert "of no form that is known" in tokens_on_disk(path)


def test_dict_txt_of_fairseq_has_four_symbols_more_than_lines(on_disk):
    found = on_disk(dict__txt=b"13 850314647\n262 800385005\nmadeupword0000 0\n")
    assert found.size == 3 + 4
    assert "3 lines and 4 special symbols" in found.what


def test_line_separators_of_unicode_are_part_of_a_token(on_disk):
    """str.splitlines would see four lines; transformers reads the file line by line, and sees two."""
    assert on_disk(vocab__txt="a\u2028b\nc\x0bd\n".encode()).size == 2


def test_lines_of_windows_are_lines(on_disk):
    found = on_disk(vocab__txt=b"[MASK]\r\nb\r\n")
    assert (found.size, found.has_mask_token) == (2, True)


def test_tokenizer_json_goes_before_the_files_of_a_slow_tokenizer(on_disk):
    assert on_disk(tokenizer__json={"model": {"vocab": {"a": 0, "b": 1}}}, vocab__json={"a": 0}).path.name == "tokenizer.json"


def test_tokens_that_the_settings_add_are_counted_once(on_disk):
    settings = {
        "added_tokens_decoder": {"1": {"content": "b"}, "2": {"content": "<x>"}},
        "pad_token": "<pad>",
        "eos_token": {"content": "</s>"},
    }
    found = on_disk(vocab__json={"a": 0, "b": 1}, tokenizer_config__json=settings)
    assert (found.size, found.has_mask_token) == (5, False)


def test_special_tokens_without_an_id_get_one(on_disk):
    specials = {"mask_token": "<mask>", "additional_special_tokens": ["<x>", {"content": "<y>"}, "a"]}
    found = on_disk(tokenizer__json={"model": {"vocab": {"a": 0}}}, special_tokens_map__json=specials)
    assert (found.size, found.has_mask_token) == (4, True)


def test_piece_that_looks_like_a_mask_is_none_where_the_settings_name_no_mask(on_disk):
    """Gemma has <mask> among its pieces and no mask token."""
    found = on_disk(tokenizer__json={"model": {"vocab": {"<mask>": 0, "<eos>": 1}}}, tokenizer_config__json={"eos_token": "<eos>"})
    assert not found.has_mask_token


@pytest.mark.parametrize(("name", "size"), [("LlamaTokenizer", 3), ("T5Tokenizer", None), ("XLMRobertaTokenizer", None)])
def test_pieces_count_for_classes_that_take_them_as_they_are(on_disk, name, size):
    settings = {"tokenizer_class": name, "bos_token": "<s>", "pad_token": "<pad>"}
    found = on_disk(tokenizer__model=sentencepiece(b"<s>", b"a"), tokenizer_config__json=settings)
    assert (found.size if size else None) == size
    assert size or "which adds tokens of its own" in found


def test_class_of_a_vocabulary_without_pieces_is_of_no_matter(on_disk):
    assert on_disk(vocab__json={"a": 0}, tokenizer_config__json={"tokenizer_class": "T5Tokenizer"}).size == 1


@pytest.mark.parametrize(
    "settings", [b"[1]", b"{", {"added_tokens_decoder": {"x": "y"}}, {"pad_token": {"id": 1}}, {"added_tokens_decoder": [1]}]
)
def test_broken_settings_beside_it_are_refused(on_disk, settings):
    assert isinstance(on_disk(vocab__json={"a": 0}, tokenizer_config__json=settings), str)


@given(data=st.binary(max_size=200))
def test_no_bytes_raise_anything(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("model") / "tokenizer.model"
    path.write_bytes(data)
    found = tokens_on_disk(path)
    assert isinstance(found, str) or found.size > 0
