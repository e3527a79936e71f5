"""Registries of the package's own plug-ins, filled from entry points."""

import catalogue

converters = catalogue.create("rel_component", "converters", entry_points=True)
"""Annotation formats: functions ``(path) -> Iterator[Annotated]``; see ``converters/``."""
