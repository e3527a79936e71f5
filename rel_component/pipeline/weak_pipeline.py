"""The pipeline that a component is made for."""

from typing import Any, Callable, Optional
from weakref import ref

from spacy.language import Language


class WeakPipeline:
    """A pipeline that is not kept alive, and is copied and pickled with the component that knows it.

    Args:
        nlp: the pipeline; None: it is gone.
    """

    def __init__(self, nlp: Optional[Language]) -> None:
        self.get: Callable[[], Optional[Language]] = (lambda: None) if nlp is None else ref(nlp)

    def __reduce__(self) -> Any:
        return WeakPipeline, (self.get(),)
