"""Annotation formats, and the conversion between them and Docs.

A format is one object, :class:`.format.AnnotationFormat`: functions that read a file as
:class:`.annotated.Annotated` documents, recognise it and write it. Whatever a format cannot use goes
to the report. :func:`.convert.convert` is the whole way: ``checks.py`` leaves out what is wrong,
``builder.py`` makes Docs, ``from_doc.py`` goes back, ``writing.py`` notes what a format cannot hold.
"""
