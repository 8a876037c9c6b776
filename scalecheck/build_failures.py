"""Why a user's model could not be built without storage: what was raised -> one sentence with what to do about it.

Neither torch nor hydra is imported: their exceptions are known by name, for the library may be the thing that is missing.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from scalecheck.errors import ConfigError
from scalecheck.values import dataclass

MAX_CHARACTERS = 240
_MISSING_ARGUMENTS = re.compile(r"(?:(\S+)\(\) )?missing \d+ required (?:positional|keyword-only) arguments?: (.+)")
_LIBRARY = re.compile(r"(\S+\.(?:so|dll|dylib)[.\d]*)")
_NO_CUDA = ("not compiled with CUDA", "No CUDA GPUs", "no NVIDIA driver", "CUDA driver", "CUDA error", "Cannot access accelerator device")
_OFFLINE = ("OfflineModeIsEnabled", "LocalEntryNotFoundError")
_UNSET = ("MissingMandatoryValue", "InterpolationToMissingValueError")
_UNRESOLVED = ("InterpolationKeyError", "InterpolationResolutionError", "UnsupportedInterpolationType", "InterpolationValidationError")
_NO_STORAGE = ("meta tensor", "on meta device")


class NetworkRefusedError(BaseException):
    """The build kept asking for the network. No ``Exception``, so that a library's own retries end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What was built, where the policy lives, and which hosts the code wanted to reach meanwhile."""

    target: str
    prefix: str
    hosts: Sequence[str] = ()


def explain(failure: BaseException, attempt: Attempt) -> str:
    """Return one sentence: what could not be built, why, and what would help."""
    chain = causes(failure)
    told = _Failure(chain=chain, attempt=attempt)
    for known in (told.ours, told.ended, told.network, told.package, told.compiled, told.place, told.arguments, told.config, told.storage):
        sentence = known()
        if sentence:
            return f"{attempt.target} was not built: {sentence}"
    first = next((cause for cause in chain if not _is_wrapper(cause)), chain[-1])
    return f"{attempt.target} was not built: {type(first).__name__}: {first_line(first)}"


def causes(failure: BaseException) -> list[BaseException]:
    """Return an exception and what it was raised from, outermost first."""
    chain: list[BaseException] = []
    current: BaseException | None = failure
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return chain


def first_line(failure: BaseException) -> str:
    """Return the first line of what an exception says, cut to a length that fits a report; without text, that it says nothing."""
    try:
        lines = str(failure).strip().splitlines()
    except Exception:  # noqa: BLE001 - an exception of the user's own may not even be printable
        lines = []
    text = lines[0].strip() if lines else "it says nothing more"
    return text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 3]}..."


def needs_function(attempt: Attempt) -> str:
    """Say how the user's own function takes the place of a node."""
    return f"point {attempt.prefix}.instantiate at a function (package.module.function) that takes the config and returns the module"


def _is_wrapper(failure: BaseException) -> bool:
    return type(failure).__name__ == "InstantiationException"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """What was raised, outermost first; each method knows one cause and returns its sentence, or ``None``."""

    chain: Sequence[BaseException]
    attempt: Attempt

    def ours(self) -> str | None:
        """What we refuse ourselves is a sentence already."""
        return str(self.chain[0]) if isinstance(self.chain[0], ConfigError) else None

    def ended(self) -> str | None:
        """``sys.exit`` in the user's code, with whatever code."""
        ended = next((cause for cause in self.chain if isinstance(cause, SystemExit)), None)
        return None if ended is None else f"its code ended the program (SystemExit: {str(ended.code)[:80]}), which is no pass"

    def network(self) -> str | None:
        """A download, refused by us or by a library's offline switch."""
        offline = next((cause for cause in self.chain if type(cause).__name__ in _OFFLINE), None)
        hosts = ", ".join(dict.fromkeys(self.attempt.hosts))
        if not hosts and offline is None:
            return None
        wanted = f"reach {hosts}" if hosts else f"download ({first_line(offline or self.chain[0])})"
        advice = f"set HF_HUB_OFFLINE=1 if its files are cached, or {needs_function(self.attempt)} without from_pretrained"
        return f"it wanted to {wanted}, and counting downloads nothing; {advice}"

    def package(self) -> str | None:
        """A package, or the user's own module, that Python does not find."""
        missing = next((cause for cause in reversed(self.chain) if isinstance(cause, ModuleNotFoundError) and cause.name), None)
        if missing is None:
            return None
        name = str(missing.name)
        if name.rpartition(".")[0] in sys.modules:  # hydra takes what a module does not have for a module of its own
            return f"there is no {name}"
        return f"it needs {name}, which is not installed here; a module of your own is found from the directory that holds it"

    def compiled(self) -> str | None:
        """A compiled package or a device that this machine lacks."""
        for cause in reversed(self.chain):
            text = first_line(cause)
            library = _LIBRARY.search(text) if isinstance(cause, ImportError | OSError) else None
            if library:
                return f"a compiled package cannot be loaded here ({library.group(1).rstrip(':')}: {text})"
            if any(words in text for words in _NO_CUDA):
                return f"it needs a CUDA device while it is built, and there is none here ({type(cause).__name__}: {text})"
        return None

    def place(self) -> str | None:
        """A dotted path that leads nowhere."""
        for cause in self.chain:
            loading = re.match(r"Error loading '([^']+)'", str(cause)) if isinstance(cause, ImportError) else None
            if loading:
                last = self.chain[-1]
                return f"there is no {loading.group(1)} ({type(last).__name__}: {first_line(last)})"
        return None

    def arguments(self) -> str | None:
        """A constructor that the run calls with more than the config holds."""
        for cause in self.chain:
            missing = _MISSING_ARGUMENTS.search(first_line(cause)) if isinstance(cause, TypeError) else None
            if missing:
                callee = (missing.group(1) or "it").removesuffix(".__init__")
                advice = needs_function(self.attempt)
                return f"{callee} needs {missing.group(2)}, which the config does not give and the run adds; {advice}"
        return None

    def config(self) -> str | None:
        """A value of the config that is not there."""
        for cause in reversed(self.chain):
            if type(cause).__name__ in _UNSET:
                return f"a value that it needs is not set ({first_line(cause)})"
            if type(cause).__name__ in _UNRESOLVED:
                return f"a value that it needs does not resolve ({first_line(cause)})"
        return None

    def storage(self) -> str | None:
        """A constructor that looks into its tensors."""
        for cause in reversed(self.chain):
            text = first_line(cause)
            if any(words in text for words in _NO_STORAGE):
                return f"its constructor reads values of a tensor, which has none while it is counted ({type(cause).__name__}: {text})"
        return None
