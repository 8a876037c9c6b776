"""What the families take for their config class's defaults is what transformers' config classes say."""

from __future__ import annotations

import pytest
from transformers import AutoConfig

from scalecheck import registry

FAMILIES = {name: module for name in registry.names("architectures") if (module := registry.load("architectures", name)).MODEL_TYPES}


def told(config: dict, names: tuple[str, ...]):
    """Return what the first of a field's names that the class has says."""
    for name in names:
        node = config
        for step in name.split("."):
            node = node.get(step) if isinstance(node, dict) else None
        if node is not None:
            return node
    return None


@pytest.mark.parametrize("name", FAMILIES)
def test_class_defaults_are_those_of_transformers(name):
    module = FAMILIES[name]
    config = AutoConfig.for_model(module.MODEL_TYPES[0]).to_dict()
    if "use_sliding_window" in module.KEYS:  # a class that has no window unless it is switched on keeps its width until then
        config |= {"sliding_window": AutoConfig.for_model(module.MODEL_TYPES[0], use_sliding_window=True).sliding_window}
    for field, default in module.CLASS_DEFAULTS.items():
        found = told(config, module.KEYS[field].names)
        if module.KEYS[field].kind == "entries":
            found = len(found)
        elif module.KEYS[field].kind in ("counts", "texts"):
            found = tuple(found)
        assert found == default, f"{field}: transformers has {found}"
