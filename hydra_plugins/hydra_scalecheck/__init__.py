"""The Hydra plugin: thin, stdlib and hydra only."""
