"""What a written ``${...}`` points to."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from scalecheck.interpolation import MAX_LENGTH, Pointer, pointers, steps_of

HOLDER = ("model", "decoder", "width")
PLAIN = {("size",): "large", ("model", "decoder", "name"): "b"}


def told(text):
    return [".".join(pointer.steps) or pointer.place for pointer in pointers(text, HOLDER, PLAIN.get)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", []),
        ("", []),
        ("$x {y}", []),
        ("${a.b}", ["a.b"]),
        ("${ a.b }", ["a.b"]),
        ("${a[0].b}", ["a.0.b"]),
        ("${.x}", ["model.decoder.x"]),
        ("${..x.y}", ["model.x.y"]),
        ("${...x}", ["x"]),
        ("${......x}", ["x"]),
        ("${a}-${b}", ["a", "b"]),
        ("run_${a}_x", ["a"]),
        ("${multiply:4, ${.x}}", ["model.decoder.x"]),
        ("${div_up:${a}, ${b}}", ["a", "b"]),
        ("${eval:'${a} * ${b}'}", ["a", "b"]),
        ("${f:${g:${a},${.b}},${c}}", ["a", "model.decoder.b", "c"]),
        ("${f:{x: ${a}},[${b}]}", ["a", "b"]),
        ("${now:%H}", []),
        ("${oc.select:a.b}", ["a.b"]),
        ("${oc.select:'a.b',${c}}", ["a.b", "c"]),
        ("${oc.select:..x,4}", ["model.x"]),
        ("${oc.deprecated:a.b}", ["a.b"]),
        ("${oc.dict.keys:a}", ["a"]),
        ("${oc.env:WORLD_SIZE}", ["WORLD_SIZE in the environment"]),
        ("${oc.env:WORLD_SIZE,${devices}}", ["WORLD_SIZE in the environment", "devices"]),
        ("${oc.decode:${oc.env:N}}", ["N in the environment"]),
        ("${hydra:job.num}", ["hydra.job.num"]),
        ("${models.${size}.width}", ["size", "models.large.width"]),
        ("${..${.name}}", ["model.decoder.name", "model.b"]),
        ("${models.${unknown}.width}", ["unknown"]),
        ("${${size}}", ["size", "large"]),
        (r"\${a}", []),
        (r"\\${a}", ["a"]),
        ("${a", []),
        ("${", []),
        ("${}", []),
        ("${.}", []),
        ("${:}", []),
        ("}${a}{", ["a"]),
    ],
)
def test_pointers_of_a_text(text, expected):
    assert told(text) == expected


@pytest.mark.parametrize(("text", "is_whole"), [("${a}", True), (" ${a} ", True), ("x${a}", False), ("${f:${a}}", False)])
def test_whole_text_is_one_pointer(text, is_whole):
    (pointer,) = pointers(text, HOLDER, PLAIN.get)
    assert pointer == Pointer(steps=("a",), is_whole=is_whole)


def test_long_and_deep_texts_point_nowhere_and_end():
    assert pointers("${a}" * MAX_LENGTH, HOLDER, PLAIN.get) == ()
    assert len(told("${" * 900 + "}" * 900)) <= 1
    assert len(told("${f:" * 400 + "${a}" + "}" * 400)) <= 1


@pytest.mark.parametrize("text", ["${.x}", "${..x}", "${...x}", "${top.x}", "${oc.select:.x}", "${oc.select:..x}", "${f:${..x}}"])
def test_omegaconf_takes_the_value_from_where_the_pointer_leads(text):
    OmegaConf.register_new_resolver("f", lambda value: value, replace=True)
    config = OmegaConf.create({"x": "at x", "top": {"x": "at top.x"}, "model": {"x": "at model.x", "decoder": {"x": "at model.decoder.x"}}})
    config.model.decoder.width = text
    try:
        assert config.model.decoder.width == f"at {told(text)[0]}"
    finally:
        OmegaConf.clear_resolver("f")


@pytest.mark.parametrize(
    ("key", "steps"),
    [("a.b", ["a", "b"]), ("a[0].b", ["a", "0", "b"]), ("+a.b", ["a", "b"]), ("~a", ["a"]), ("", []), ("a..b", ["a", "b"])],
)
def test_steps_of_a_key(key, steps):
    assert steps_of(key) == steps
