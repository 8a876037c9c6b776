"""The pictures of a report, one a file: an open set."""
