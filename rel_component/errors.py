"""The exceptions of the package.

::

    RelComponentError (ValueError)
    ├── AnnotationError         doc._.rel: a bad assignment, a span of another Doc
    │   └── ExtensionConflict   another package owns the extension attribute
    ├── SchemaError             a schema that cannot be read, with the key at fault
    ├── DataError               a training or annotation file, with file, line and document
    └── ConfigError             options that do not fit together or lie outside their range
"""


class RelComponentError(ValueError):
    """Base class of all errors raised by this package."""


class AnnotationError(RelComponentError):
    """A value that cannot be stored as relations of a Doc."""


class ExtensionConflict(AnnotationError):
    """Another package has registered the Doc extension attribute that holds the relations."""


class SchemaError(RelComponentError):
    """A relation schema that is not valid; the message names the key."""


class DataError(RelComponentError):
    """A document that cannot be used; the message names the place."""

    def __init__(self, message: str, *, place: str = "") -> None:
        """message: what is wrong and what is accepted. place: file, line and document, if known."""
        super().__init__(f"{place}: {message}" if place else message)
        self.message = message
        self.place = place


class ConfigError(RelComponentError):
    """Options that do not fit together or lie outside their range."""
