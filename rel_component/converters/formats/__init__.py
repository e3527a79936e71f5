"""Annotation formats, one a file; modules with an underscore are shared by several."""
