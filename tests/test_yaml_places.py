"""What a YAML text has at its root, and how deep it may be, told without reading more of it than is needed."""

from __future__ import annotations

import pytest

from scalecheck.errors import ScalecheckError
from scalecheck.yaml_places import MAX_NESTING, is_too_deep, root_value


@pytest.mark.parametrize("levels", [60, 99, 101, 150])
@pytest.mark.parametrize("style", ["a: ", "- ", "? ", "[", "{a: "])
def test_depth_that_is_told_without_parsing_is_never_too_small(style, levels):
    if style == "a: ":
        text = "".join(f"{' ' * depth}a:\n" for depth in range(levels - 1)) + " " * (levels - 1) + "a: 1"
    else:
        text = style * levels + "1" + {"[": "]", "{a: ": "}"}.get(style, "") * levels
    assert is_too_deep(text) == (levels > MAX_NESTING)


def test_lists_at_the_column_of_their_mapping_count_too():
    text = "".join(f"{' ' * (2 * depth)}a:\n{' ' * (2 * depth)}- b: 1\n" for depth in range(51)).replace("b: 1\n", "b:\n")
    assert is_too_deep(text.rstrip() + " 1")


def test_value_at_the_root_of_a_text():
    assert root_value("x: &x [{model: small}]\ndefaults: *x\n", "defaults") == [{"model": "small"}]
    assert root_value("<<: {defaults: [a]}\n", "defaults") == ["a"]
    assert root_value("model: {defaults: 3}\n", "defaults") is None
    with pytest.raises(ScalecheckError):
        root_value("defaults: [", "defaults")
