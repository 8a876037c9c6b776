"""Rules, one file each: a frozen dataclass whose docstring is its manual page."""
