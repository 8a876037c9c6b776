"""What the plugin puts on the search path of Hydra: option files, and nothing else."""
