"""Put the general pipeline together, of what configs/general.cfg and general_entities.cfg trained.

    python scripts/general_pipeline.py RELATIONS ENTITIES OUTPUT [--share 0.8] [--offset 3]

With a share below 1, the adapters and the corrections of pair vectors are weakened to that share of what
they learned. Between the encoder before and after training lie models that are better at telling new
labels apart, and worse at finding nothing: Wortsman et al. 2022, https://arxiv.org/abs/2109.01903.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import spacy
import srsly
from spacy.language import Language

from rel_component.files import complete_folder
from rel_component.layers.torch_adapters import AdaptedLinear
from rel_component.schema import RelationSchema

ASSETS = Path(__file__).parent.parent / "assets"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("relations", type=Path, help="pipeline trained with general.cfg")
    parser.add_argument("entities", type=Path, help="pipeline trained with general_entities.cfg")
    parser.add_argument("output", type=Path)
    parser.add_argument("--share", type=float, default=0.8, help="of what was learned, in [0, 1]")
    parser.add_argument("--offset", type=float, default=3.0, help="see set_schema")
    parser.add_argument("--schema", type=Path, default=ASSETS / "general_schema.yaml")
    parser.add_argument("--meta", type=Path, default=ASSETS / "general_meta.json")
    args = parser.parse_args()
    with complete_folder(args.output) as folder:
        put_together(args).to_disk(folder)


def put_together(args: argparse.Namespace) -> Language:
    """The pipeline that the command line asks for."""
    relations, entities = spacy.load(args.relations), spacy.load(args.entities)
    weaken(relations, args.share)
    nlp = spacy.blank("en")
    nlp.add_pipe("span_recognizer", source=entities)
    for name in ("sentencizer", "shared_encoder", "relation_extractor"):
        nlp.add_pipe(name, source=relations)
    extractor: Any = nlp.get_pipe("relation_extractor")
    extractor.bind_upstream(nlp)
    extractor.set_schema(RelationSchema.from_file(args.schema), offset=args.offset)
    nlp.meta.update(srsly.read_json(args.meta))
    return without_strings(nlp)


def weaken(nlp: Language, share: float) -> None:
    """Leave a share of what adapters and corrections have learned.

    Args:
        nlp: a pipeline with ``shared_encoder`` and LabelPair.
        share: in [0, 1].
    """
    encoder: Any = nlp.get_pipe("shared_encoder")
    for node in encoder.model.walk():
        for module in (shim._model for shim in node.shims):
            for layer in module.modules():
                if isinstance(layer, AdaptedLinear):
                    layer.up.data *= share
    extractor: Any = nlp.get_pipe("relation_extractor")
    last = extractor.model.get_ref("corrections").get_ref("output_layer")
    for name in last.param_names:
        last.set_param(name, last.get_param(name) * share)


def without_strings(nlp: Language) -> Language:
    """A copy of a pipeline without the words of its training."""
    with tempfile.TemporaryDirectory() as folder:
        nlp.to_disk(folder)
        made = spacy.util.load_model_from_config(nlp.config, meta=nlp.meta)
        return made.from_disk(folder, exclude=["vocab"])


if __name__ == "__main__":
    main()
