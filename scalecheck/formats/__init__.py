"""Renderers, one file per output format: Report in, text out."""
