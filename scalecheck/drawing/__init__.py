"""How pictures are drawn: colours by role, sizes, axes, and SVG that a page can theme. Pictures themselves stand in ``pictures/``."""
