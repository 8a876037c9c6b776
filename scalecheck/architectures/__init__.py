"""Architectures: one file per family, a ledger of shared parts."""
