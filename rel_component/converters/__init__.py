"""Annotation formats.

A format is one object, :class:`.format.AnnotationFormat`: a function that parses a file into
:class:`.annotated.Annotated` documents, one that writes them, and what tells its files from others.
It says to the report what it cannot use and goes on. ``checks.py`` looks at what was read,
``builder.py`` makes Docs of it, ``from_doc.py`` goes back, ``writing.py`` says what a format cannot
hold. Register a format as an entry point of the group ``rel_component_converters``.
"""
