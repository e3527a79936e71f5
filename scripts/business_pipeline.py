"""Make one pipeline of several trainings of the business corpus: the mean of their encoders.

    python scripts/business_pipeline.py training/seed0/model-best training/seed2/model-best OUTPUT

The layers on top are those of the first one. Trainings that started from the same weights lie in one
valley, whose middle is better than most of its sides: Wortsman et al. 2022,
https://arxiv.org/abs/2203.05482. "spacy rel adapter OUTPUT assets/business --rank 32 --half" shares it.
"""

import argparse
from pathlib import Path
from typing import Any

import spacy
import srsly
import torch
from general_pipeline import without_strings
from spacy.language import Language

from rel_component.files import complete_folder

ASSETS = Path(__file__).parent.parent / "assets"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("trained", type=Path, nargs="+", help="pipelines of joint.cfg")
    parser.add_argument("output", type=Path)
    parser.add_argument("--encoder", default="encoders/e5_small_enpt", help="the public one")
    parser.add_argument("--threshold", type=float, default=0.5, help="of all labels")
    parser.add_argument("--meta", type=Path, default=ASSETS / "business_meta.json")
    args = parser.parse_args()
    with complete_folder(args.output) as folder:
        averaged(args).to_disk(folder)


def averaged(args: argparse.Namespace) -> Language:
    """The pipeline that the command line asks for."""
    decoder = {"threshold": args.threshold, "thresholds": None}
    corpora = {"train": None, "dev": None, "schema": None}
    settings: Any = {
        "paths": {"encoder": args.encoder, **corpora},
        "components": {"relation_extractor": {"decoder": decoder}},
    }
    nlp = spacy.load(args.trained[0], config=settings)
    states = [encoder(spacy.load(path))[1].state_dict() for path in args.trained]
    model, module = encoder(nlp)
    with torch.no_grad():
        for name, weights in module.state_dict().items():
            weights.copy_(torch.stack([state[name] for state in states]).double().mean(dim=0))
    model.attrs["name"] = args.encoder
    nlp.meta.update(srsly.read_json(args.meta))
    nlp.meta["performance"] = {}
    return without_strings(nlp)


def encoder(nlp: Language) -> Any:
    """The model of a pipeline that holds the encoder, and the encoder itself."""
    component: Any = nlp.get_pipe("shared_encoder")
    found = [node for node in component.model.walk() if node.shims]
    return found[0], found[0].shims[0]._model


if __name__ == "__main__":
    main()
