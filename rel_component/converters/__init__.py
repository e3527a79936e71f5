"""Annotation formats.

A converter is a function ``(path, report) -> Iterator[Annotated]`` that only parses; it says what it
cannot use to the report and goes on. ``builder.py`` makes the documents. Register one as an entry
point of the group ``rel_component_converters``.
"""
