"""Writes docs/schema/: the JSON Schemas of a policy and of a file that holds one. ``make docs`` runs it."""

from __future__ import annotations

import json
from pathlib import Path

from scalecheck.schema import file_schema, policy_schema

FOLDER = Path(__file__).parents[1] / "docs" / "schema"


def files() -> dict[Path, str]:
    """Return every schema as it should be on disk."""
    schemas = {"policy.schema.json": policy_schema(), "policy-file.schema.json": file_schema()}
    return {FOLDER / name: json.dumps(schema, indent=2) + "\n" for name, schema in schemas.items()}


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
