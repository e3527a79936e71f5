"""``spacy rel fit-examples``."""

from typing import Annotated

from typer import Option

from .add_labels import (
    Dev,
    Epochs,
    LearnRate,
    NewPipeline,
    NewSchema,
    Pipeline,
    Train,
    print_changes,
)
from .messages import msg, print_json, use_device
from .options import GpuId, Json, Seed


def fit_examples_cli(
    model: Pipeline,
    schema: NewSchema,
    output: NewPipeline,
    dev: Dev = None,
    folds: Annotated[
        int,
        Option("--folds", help="Parts of the examples, each left out once to measure on; 0: none"),
    ] = 3,
    epochs: Epochs = 5,
    learn_rate: LearnRate = 5e-4,
    encoder: Annotated[
        bool,
        Option("--fit-encoder", help="Let the encoder of the extractor, or its adapters, learn"),
    ] = False,
    train: Train = None,
    seed: Seed = 0,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Train a pipeline for a few steps on the examples of a schema."""
    from ..evolution.fit_examples import FEW_STEPS, fit_examples
    from ..evolution.learning import Hyperparameters

    use_device(gpu_id)
    hyperparameters = Hyperparameters(
        epochs,
        learn_rate,
        batch_size=FEW_STEPS.batch_size,
        train=tuple(train or ()),
        encoder=encoder,
        seed=seed,
    )
    found = fit_examples(
        model, schema, output, dev=dev, folds=folds, hyperparameters=hyperparameters
    )
    if json:
        print_json(found.to_dict())
        return
    print_changes(found.left_out, "Examples that were left out")
    print_changes(found.dev, f"{dev}")
    n = sum(found.n_examples.values())
    msg.good(f"{output}: learned from {n} examples of {len(found.n_examples)} labels")
    if not found.dev:
        msg.info("examples say little of texts without relations: --dev measures on documents")
