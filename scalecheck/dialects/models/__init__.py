"""Model dialects: which keys name an architecture's sizes."""
