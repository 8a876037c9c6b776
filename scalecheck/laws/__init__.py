"""Published scaling laws, one file each, with source, conventions and range."""
