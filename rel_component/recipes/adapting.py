"""A general pipeline that goes on learning from annotated documents: the recipe ``adapt``."""

import shutil
from pathlib import Path
from typing import Any, Dict, Optional, Union

from spacy.language import Language

from ..errors import ConfigError
from ..files import check_folder, complete_folder
from ..pipeline.label_reading import reads_labels
from ..pipelines import load_pipeline
from ..schema import RelationSchema
from .settings import ADAPT

_PARTS = ("sentencizer", "shared_encoder", "relation_extractor")
_EXAMPLE = '"python -m spacy project run quick" makes one, training/quick/general'


def load_general(
    pipeline: Union[str, Path, None], *, recipe: str, encoder: str, auto: str
) -> Optional[Language]:
    """The general pipeline that is to go on learning; None if another recipe is asked for.

    Args:
        pipeline: its name or folder, if there is one.
        recipe: the recipe that is asked for.
        encoder: the encoder that is asked for.
        auto: what says that nothing is asked for.

    Raises:
        ConfigError: if the three do not fit together, or it is no general pipeline.
    """
    if pipeline is None:
        if recipe == ADAPT:
            raise ConfigError(f"the recipe {ADAPT} goes on from --pipeline: {_EXAMPLE}")
        return None
    if recipe not in (ADAPT, auto) or encoder != auto:
        raise ConfigError(
            f"--pipeline has an encoder of its own, and goes with the recipe {ADAPT} alone: leave out "
            "--recipe and --encoder"
        )
    nlp = load_pipeline(pipeline)
    missing = [name for name in _PARTS if name not in nlp.pipe_names]
    extractor: Any = None if missing else nlp.get_pipe("relation_extractor")
    if extractor is None or not reads_labels(extractor.model):
        lacks = f"has no {missing[0]}" if missing else "does not read its labels"
        raise ConfigError(f"{pipeline} is no general pipeline, since it {lacks}; {_EXAMPLE}")
    for name in set(nlp.pipe_names) - set(_PARTS):  # mentions are given, of types of the user's own
        nlp.remove_pipe(name)
    return nlp


def save_asked(
    nlp: Language, schema: RelationSchema, options: Dict[str, Any], folder: Path
) -> None:
    """Save a general pipeline that is asked about a schema, in the place of that of an earlier call.

    Args:
        nlp: the pipeline, which is changed.
        schema: the relation types.
        options: settings of the recipe, of which those of candidates and decoder are taken over.
        folder: where it is saved, and the training finds it.

    Raises:
        ConfigError: if there is another file or folder.
    """
    extractor: Any = nlp.get_pipe("relation_extractor")
    extractor.set_schema(schema)
    config = nlp.get_pipe_config("relation_extractor")
    for block in ("candidates", "decoder"):
        config[block].update({key: options[key] for key in config[block] if key in options})
    is_earlier = (folder / "config.cfg").is_file()
    if not is_earlier:
        check_folder(folder)
    with complete_folder(folder.with_name(f"{folder.name}.new")) as part:
        nlp.to_disk(part)
    if is_earlier:  # not before the new one is whole: it may be the pipeline that was loaded
        shutil.rmtree(folder)
    elif folder.exists():
        folder.rmdir()
    folder.with_name(f"{folder.name}.new").rename(folder)
