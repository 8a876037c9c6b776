"""Readers of model sizes and of schedules, one file per naming convention; chosen independently."""
