"""``spacy rel add-labels``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, List, Optional, Sequence

from typer import Argument, Option

from ..errors import listed
from .messages import msg, percent, print_json, print_table, use_device
from .options import TEXTS, GpuId, Json, Seed

if TYPE_CHECKING:
    from ..evolution.learning import LabelChange

Pipeline = Annotated[str, Argument(help="Name or path of a trained pipeline, which stays as it is")]
NewPipeline = Annotated[Path, Argument(help="Folder for the new pipeline, new or empty")]
NewSchema = Annotated[Path, Argument(exists=True, help="Schema with the labels, YAML or JSON")]
Dev = Annotated[
    Optional[Path], Option("--dev", exists=True, help="Annotated documents to measure on")
]
Epochs = Annotated[int, Option("--epochs", min=0, help="Passes over the documents")]
LearnRate = Annotated[float, Option("--learn-rate", help="Learning rate of what is no encoder")]
Train = Annotated[
    Optional[List[str]],
    Option("--train", help="A component to train as well, e.g. shared_encoder; repeat the option"),
]


def add_labels_cli(
    model: Pipeline,
    schema: NewSchema,
    new: Annotated[
        Path, Argument(exists=True, help="Annotated documents that show the new labels")
    ],
    output: NewPipeline,
    memory: Annotated[
        Optional[Path], Option("--memory", exists=True, help="Documents of the earlier training")
    ] = None,
    keep: Annotated[
        int,
        Option("--keep", min=0, help="Relations of a label kept of these; 0: all documents"),
    ] = 10,
    rehearse: Annotated[
        Optional[Path], Option("--rehearse", exists=True, help=f"Texts to rehearse on. {TEXTS}")
    ] = None,
    dev: Dev = None,
    complete: Annotated[
        bool, Option("--complete", help="The new documents are annotated with all labels")
    ] = False,
    distillation: Annotated[
        float, Option("--distillation", help="Weight of what was known before; 0: it is forgotten")
    ] = 1.0,
    epochs: Epochs = 10,
    learn_rate: LearnRate = 1e-3,
    train: Train = None,
    seed: Seed = 0,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Teach a trained pipeline more labels without forgetting those that it has."""
    from ..evolution.add_labels import add_labels
    from ..evolution.learning import Hyperparameters

    use_device(gpu_id)
    found = add_labels(
        model,
        schema,
        new,
        output,
        memory=memory,
        per_label=keep,
        rehearse=rehearse,
        dev=dev,
        complete=complete,
        distillation=distillation,
        hyperparameters=Hyperparameters(epochs, learn_rate, train=tuple(train or ()), seed=seed),
    )
    if json:
        print_json(found.to_dict())
        return
    print_changes(found.changes)
    if found.not_shown:
        msg.warn(f"no document shows {listed(found.not_shown)}")
    if not found.measured_on:
        msg.warn("too few documents to keep some to measure on: give others with --dev")
    else:
        msg.info(f"measured on {found.n_docs['measured']} documents: {found.measured_on}")
    counts = found.n_docs
    learned = f"{counts['new']} new and {counts['remembered']} remembered documents"
    msg.good(f"{output}: learned {', '.join(found.labels)} from {learned}, {counts['texts']} texts")


def print_changes(changes: "Sequence[LabelChange]", title: str = "") -> None:
    """Print F1 by label before and after, if anything was measured."""
    rows = [
        [
            change.label,
            str(change.n),
            percent(change.before.f1, 1),
            percent(change.after.f1, 1),
            f"{100 * (change.after.f1 - change.before.f1):+.1f}",
        ]
        for change in changes
        if change.n or change.before.fp or change.after.fp
    ]
    if not rows:
        return
    if title:
        msg.divider(title)
    print_table(rows, ["label", "relations", "F1 before", "after", ""])
