"""Every value that travels through scalecheck, in the order in which it travels.

All values are frozen; a stage returns new ones. Units are in the names (``…_flops`` are counts, ``…_params``, ``…_tokens``). ``None``
always means *unknown*, never zero. Where a value came from stands beside it, in ``Reading.origins``, by field.
"""

from __future__ import annotations

from scalecheck.facts.account import (
    Account,
    AttentionConvention,
    ParamsStatus,
    Part,
    PartKind,
    Workload,
)
from scalecheck.facts.expense import (
    Expense,
    Hardware,
)
from scalecheck.facts.reading import (
    PLAN_FIELDS,
    Head,
    Impossible,
    ModelShape,
    ModuleCount,
    Origin,
    Reading,
    TokensStatus,
    TrainingPlan,
    Unknown,
    Unreadable,
    View,
)
from scalecheck.facts.verdict import (
    Counted,
    Finding,
    Job,
    Outlook,
    Remedy,
    Report,
    Run,
    Severity,
    Verdict,
)

__all__ = [
    "PLAN_FIELDS",
    "Account",
    "AttentionConvention",
    "Counted",
    "Expense",
    "Finding",
    "Hardware",
    "Head",
    "Impossible",
    "Job",
    "ModelShape",
    "ModuleCount",
    "Origin",
    "Outlook",
    "ParamsStatus",
    "Part",
    "PartKind",
    "Reading",
    "Remedy",
    "Report",
    "Run",
    "Severity",
    "TokensStatus",
    "TrainingPlan",
    "Unknown",
    "Unreadable",
    "Verdict",
    "View",
    "Workload",
]
