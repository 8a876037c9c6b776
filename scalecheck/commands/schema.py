"""``scalecheck schema`` prints the JSON Schema of the policy, for editors and for check-jsonschema."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from scalecheck.schema import file_schema, policy_schema

SUMMARY = "print the JSON Schema of the policy, for an editor or for check-jsonschema"
EXAMPLES = ("scalecheck schema --file > policy-file.schema.json",)
_MODELINE = """\
In a policy of your own, the line for the editor goes below the package, which Hydra reads only in a file's first comment:

  # @package _global_
  # yaml-language-server: $schema=policy-file.schema.json
  defaults: [strict, _self_]

With the two the other way round the file's package is not read, and the policy has no effect; Hydra says nothing.

exit codes: 0 printed, 2 could not do its work
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    made = argparse.ArgumentParser(
        prog="scalecheck schema",
        description="Print the JSON Schema (draft-07) of the policy. ${...} and ??? may stand for any value, 300B and 1e21 for numbers.",
        epilog=_MODELINE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    told = "of a whole file that holds a policy at hydra.callbacks.scalecheck, such as conf/scalecheck/ours.yaml; else of that node alone"
    made.add_argument("--file", action="store_true", help=told)
    return made


def run(arguments: Sequence[str]) -> int:
    """Print the schema; returns 0."""
    options = parser().parse_args(arguments)
    print(json.dumps(file_schema() if options.file else policy_schema(), indent=2))
    return 0
