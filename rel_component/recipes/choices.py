"""Settings that fit what is annotated, each with its reason."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Collection, Dict, Optional, Set, Tuple

import srsly
from spacy.language import Language

from ..errors import ConfigError, listed
from ..mentions import CLUSTER_PREFIX
from .findings import Findings
from .settings import (
    ADAPT,
    ANNOTATE_AFTER,
    BASE_WIDTH,
    ENCODER,
    GENERAL_BASE,
    GENERAL_BASE_OPTIONS,
    GENERAL_ENCODER,
    HUB_ENCODER,
    LEARNED_ENCODER,
    LEARNED_LABELS,
    MULTILINGUAL,
    MULTILINGUAL_FOLDER,
    MULTILINGUAL_OPTIONS,
    SMALL_ENCODERS,
    WIDE_OPTIONS,
    Reasons,
    Settings,
    default_settings,
    settings_by_size,
)

AUTO = "auto"

_FEW = 20  # what fewer documents or relations have in common may be chance
_GENERAL_HELPS = 400  # documents; after more, the public encoder is as good in the end
_GENERAL_SAVES = 4000  # documents; until then, an encoder that knows of relations saves passes
_GIVEN_PAIRS = 0.95  # share of documents with exactly two mentions
_MANY = 50  # pairs
_NOUNS_SWAPPED = 400  # documents; in more, what is said of common nouns is worth learning
_SPURIOUS = 0.005  # of pairs: fewer with relations in both directions are likely mistakes
_SEVERAL = 0.02  # of relations: fewer of a pair with another label are likely mistakes

_TAUGHT = (GENERAL_ENCODER, GENERAL_BASE, LEARNED_ENCODER)  # that know of relations

_Choice = Tuple[Dict[str, Any], Reasons]


def choose(
    found: Findings,
    nlp: Language,
    *,
    recipe: str = AUTO,
    gold_entities: bool = False,
    encoder: str = AUTO,
    spans_key: Optional[str] = None,
    names: Collection[str] = (),
    gpu: bool = False,
    seed: int = 0,
) -> Tuple[Settings, Reasons]:
    """Choose the settings of a recipe.

    Args:
        found: what is annotated in the documents to learn from.
        nlp: a pipeline of their language, with nothing but a tokenizer.
        recipe: name of a recipe; ``auto``: by what is annotated.
        gold_entities: whether mentions are given in use, too.
        encoder: a folder or the name of an encoder on a hub; ``auto``: by the language, the recipe,
            the number of documents, and what is in ``encoders/``.
        spans_key: span group of the mentions; None: the entities.
        names: entity types whose mentions are names.
        gpu: whether the pipeline is trained on a GPU.
        seed: seed of the training.

    Returns:
        The settings without paths of documents and schema, and the reasons by setting.

    Raises:
        ConfigError: if there is no such recipe.
    """
    reasons: Reasons = {}
    if recipe == AUTO:
        recipe, reasons["recipe"] = _choose_recipe(found, gold_entities=gold_entities)
    else:
        reasons["recipe"] = "as asked for"
    settings = default_settings(recipe)
    settings = replace(
        settings,
        lang=nlp.lang or "xx",
        tokenizer=dict(nlp.config["nlp"]["tokenizer"]),
        tokenizer_data=dict(nlp.config["initialize"]["tokenizer"]),
        gpu=gpu,
        seed=seed,
        spans_key=spans_key,
    )
    if recipe not in ("cpu", ADAPT):
        reasons.update(_set_encoder(settings, encoder, recipe, found.documents))
    reasons["spans_key"] = _why_group(found, spans_key)
    if spans_key is not None and not settings.given:  # span_recognizer finds them in every recipe
        settings.options.setdefault("annotate_after", ANNOTATE_AFTER)
    one_pair = found.pairs_given >= _GIVEN_PAIRS * found.documents
    choices = [
        settings_by_size(
            recipe,
            found.documents,
            one_pair=one_pair,
            encoder=settings.paths["encoder"],
            known=found.relations.keys() <= _learned_labels(settings.paths["encoder"]),
        )
    ]
    if "swap_level" in settings.options:
        choices.append(_choose_swaps(found, names))
    if recipe == ADAPT:
        choices.append(_choose_pairs(found))
    else:
        choices += [_choose_candidates(found, settings), _choose_widths(found, settings)]
        if settings.options["exclusive"]:
            choices.append(_choose_labels(found))
    for choice in choices:
        settings.options.update(choice[0])
        reasons.update(choice[1])
    settings.options["entity_types"] = sorted(filter(None, found.mentions))
    if recipe != ADAPT and settings.options["max_sentence_distance"] is not None:
        settings = replace(settings, sentences=True)
    return settings, reasons


def _set_encoder(settings: Settings, encoder: str, recipe: str, n_documents: int) -> Reasons:
    """Put an encoder into settings, with the options that go with it."""
    most = _GENERAL_SAVES if recipe == "joint" else _GENERAL_HELPS
    chosen, reason = _choose_encoder(encoder, recipe, settings.lang, general=n_documents <= most)
    settings.paths["encoder"] = chosen
    reasons = {"encoder": reason}
    if chosen in (MULTILINGUAL, MULTILINGUAL_FOLDER, LEARNED_ENCODER):
        settings.options.update(MULTILINGUAL_OPTIONS)
    if chosen not in SMALL_ENCODERS and _width(chosen) >= BASE_WIDTH:
        settings.options.update(WIDE_OPTIONS)
        reasons["encoder_scale"] = "half of what smaller encoders learn at"
    if chosen == GENERAL_BASE:
        settings.options.update(GENERAL_BASE_OPTIONS)
    if chosen in _TAUGHT:
        settings.options["reset_layers"] = 0
        reasons["reset_layers"] = "its last layer knows of relations already"
    return reasons


def _choose_recipe(found: Findings, *, gold_entities: bool) -> Tuple[str, str]:
    n, pairs = found.documents, found.pairs_given
    if gold_entities:
        return "transformer", "relations between given mentions were asked for"
    if not found.typed:
        return "transformer", "the mentions have no entity types, so that nothing can learn them"
    if n >= _FEW and pairs >= _GIVEN_PAIRS * n:
        return (
            "transformer",
            f"exactly the two mentions of a pair are given in {pairs} of {n} documents",
        )
    types = f"entities are annotated, with {len(found.mentions)} types"
    if _has_clusters(found) and not _within_sentences(found):
        return "document", f"{types}, clusters of them, and relations that may cross sentences"
    return "joint", f"{types}, so that the pipeline finds them in raw text"


def _choose_swaps(found: Findings, names: Collection[str]) -> _Choice:
    nouns = sorted(label for label in found.mentions if label not in names)
    if not nouns:
        return {}, {
            "swap_level": "mentions are names, which say little about their relations: others take "
            "their places"
        }
    look = f"those of {listed(nouns, 5)} look like common nouns"
    if found.documents <= _NOUNS_SWAPPED:
        return {}, {
            "swap_level": "mentions take each other's places, so that few documents are not learned by "
            f"heart; {look}: if texts become senseless, name in `labels` of [corpora.train.augmenter] "
            "the types to exchange"
        }
    swapped = sorted(label for label in found.mentions if label in names)
    look += ", which say something about their relations"
    if not swapped:
        return {"swap_level": 0.0}, {"swap_level": f"no mentions take each other's places: {look}"}
    return {"swap_labels": swapped}, {
        "swap_level": f"mentions of names take each other's places; {look}, and stay"
    }


def _why_group(found: Findings, spans_key: Optional[str]) -> str:
    if spans_key is None:
        return "the annotated mentions are entities: none overlap"
    if found.nested:
        share = f"{found.nested} of {found.documents} documents"
        return f"mentions overlap in {share}, which entities of a Doc may not"
    return "the mentions of relations are in this group"


def _choose_encoder(encoder: str, recipe: str, lang: str, *, general: bool) -> Tuple[str, str]:
    if encoder != AUTO:
        known = {Path(name): name for name in _TAUGHT}
        return known.get(Path(encoder), encoder), "as asked for"
    if recipe == "multilingual" or lang != "en":
        is_here = Path(MULTILINGUAL_FOLDER).is_dir()
        why = "it knows a hundred languages" if lang == "en" else "the language is not English"
        return MULTILINGUAL_FOLDER if is_here else MULTILINGUAL, why
    if general and recipe == "joint" and Path(LEARNED_ENCODER).is_dir():
        return LEARNED_ENCODER, "the project's that has learned entities and relations of news"
    if general and Path(GENERAL_ENCODER).is_dir():
        return GENERAL_ENCODER, "the project's that knows of relations: it takes fewer documents"
    if Path(ENCODER).is_dir():
        return ENCODER, "the project's, which is in its folder"
    return HUB_ENCODER, f"the project's, from the hub; there is no folder {ENCODER}"


def _width(encoder: str) -> int:
    """The width of an encoder; that of base size where no file of this machine says it."""
    try:
        config = srsly.read_json(Path(encoder) / "config.json")
    except (OSError, ValueError):  # it is on a hub, or the training says what is wrong with it
        return BASE_WIDTH
    names = ("hidden_size", "dim")  # the second is DistilBERT's
    widths = [config[name] for name in names if name in config] if isinstance(config, dict) else []
    return widths[0] if widths and isinstance(widths[0], int) else BASE_WIDTH


def _learned_labels(encoder: Optional[str]) -> Set[str]:
    """The relation types that an encoder of the project was trained on; none of another one."""
    file = Path(encoder or "") / LEARNED_LABELS
    if encoder is None or not file.is_file():
        return set()
    try:
        labels = srsly.read_json(file)
    except ValueError:
        labels = None
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ConfigError(
            f"{file} is no list of relation types: make the encoder in {encoder} anew"
        )
    return set(labels)


def _choose_pairs(found: Findings) -> _Choice:
    """What a general pipeline takes for granted, and the documents show otherwise."""
    options: Dict[str, Any] = {}
    why: Reasons = {}
    if _has_several(found):
        options["one_label"] = False
        why["one_label"] = f"{found.several} relations are of a pair that has another label too"
    if found.both > _SPURIOUS * found.related:
        options["one_direction"] = False
        why["one_direction"] = f"{found.both} pairs have relations in both directions"
    if found.across:
        options["max_sentence_distance"] = None
        why["max_sentence_distance"] = f"{found.across} relations cross sentences"
    return options, why


def _has_several(found: Findings) -> bool:
    """Whether pairs have several labels, but for what is likely a mistake."""
    return found.several >= max(2, _SEVERAL * found.n_relations)


def _choose_labels(found: Findings) -> _Choice:
    several, n = found.several, found.n_relations
    if _has_several(found):
        why = f"{several} of {n} relations are of a pair that has another label too"
        return {"exclusive": False}, {"exclusive": why}
    why = "no pair has two labels"
    if several:
        why = f"only {several} of {n} relations are of a pair that has another label"
    return {}, {"exclusive": why}


def _has_clusters(found: Findings) -> bool:
    return 0 < found.documents <= 2 * found.clustered


def _within_sentences(found: Findings) -> bool:
    """Whether all relations are known to lie within a sentence each."""
    return found.divided == found.documents and not found.across


def _choose_candidates(found: Findings, settings: Settings) -> _Choice:
    options: Dict[str, Any] = {}
    why: Reasons = {}
    n = found.n_relations
    if found.related >= _MANY and found.both <= _SPURIOUS * found.related:
        options["one_direction"] = True
        why["one_direction"] = f"none of {found.related} pairs has relations in both directions"
        if found.both:
            why["one_direction"] = (
                f"only {found.both} of {found.related} pairs have relations in both directions"
            )
    per_document = found.sentences / max(found.divided, 1)
    if _within_sentences(found) and n >= _FEW and per_document >= 2:
        options["max_sentence_distance"] = 0
        why["candidates"] = (
            f"all {n} relations lie within one sentence, of {per_document:.1f} in a document, so that "
            "max_sentence_distance = 0 pairs no others"
        )
    elif found.distances:
        farthest = max(found.distances)
        crossing = f", and {found.across} of {n} cross sentences" if found.across else ""
        why["candidates"] = f"relations span up to {farthest} tokens{crossing}"
    share = f"{found.clustered} of {found.documents} documents have clusters"
    if settings.options["clusters"]:
        why["clusters"] = f"{share}; name_coref finds them in raw text"
    elif found.clustered and not settings.given:
        why["clusters"] = (
            f"{found.clustered} documents have clusters, but nothing finds them in raw text; with "
            "--gold-entities, or --recipe document, the pairs are of entities"
        )
    elif found.clustered:
        if _has_clusters(found):
            options["clusters"] = CLUSTER_PREFIX
        why["clusters"] = share if "clusters" in options else f"only {share}"
    return options, why


def _choose_widths(found: Findings, settings: Settings) -> _Choice:
    options: Dict[str, Any] = {}
    why: Reasons = {}
    width = found.width(0.998)
    if width > settings.options["max_width"]:
        options["max_width"] = min(width, 40)
        why["max_width"] = f"99.8 % of the mentions have up to {width} tokens"
    if found.nested_arguments and not settings.options["overlapping"]:
        options["overlapping"] = True
        why["overlapping"] = f"mentions of relations overlap in {found.nested_arguments} documents"
    return options, why
