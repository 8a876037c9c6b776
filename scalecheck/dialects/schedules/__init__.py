"""Schedule dialects: which keys say how long a run trains and on how much."""
