"""The model card of a difference, made of the meta data of its pipeline."""

from typing import Any, Dict, List, Mapping

from ..errors import shown

_METADATA = ("author", "email", "url", "license")


def model_card(meta: Mapping[str, Any], n_bytes: int, encoder: str) -> str:
    """A card in Markdown; edit the pipeline's ``nlp.meta`` to change what it says.

    Args:
        meta: name, version, description, licence, sources, notes and performance of a pipeline.
        n_bytes: size of the tensors.
        encoder: name of the public encoder.
    """
    title = f"{meta.get('lang', '')}_{meta.get('name', 'pipeline')} {meta.get('version', '')}"
    lines = [f"# {title.strip()}", "", str(meta.get("description") or "No description.").strip()]
    facts = [f"- {key}: {meta[key]}" for key in _METADATA if meta.get(key)]
    facts += [
        f"- components: {', '.join(meta.get('components') or meta.get('pipeline') or ['none'])}",
        f"- size: {n_bytes / 1e6:.1f} MB beside the public encoder {shown(encoder)}",
    ]
    lines += ["", *facts, "", *_sources(meta.get("sources") or [])]
    if meta.get("notes"):
        lines += [str(meta["notes"]).strip(), ""]
    lines += _figures(meta.get("performance") or {})
    lines += [
        "## Use",
        "",
        "    python -m spacy rel apply-adapter FOLDER ENCODER PIPELINE",
        "    python -m spacy rel extract PIPELINE --text TEXT",
        "",
        "FOLDER is the one of this file, and ENCODER that of the public encoder.",
    ]
    return "\n".join(lines) + "\n"


def _sources(sources: Any) -> List[str]:
    if not sources:
        return []
    items = [item if isinstance(item, Mapping) else {"name": item} for item in sources]
    return ["## Data", "", *(f"- {_source(item)}" for item in items), ""]


def _source(item: Mapping[str, Any]) -> str:
    parts = [str(item[key]) for key in ("name", "author", "license", "url") if item.get(key)]
    return ", ".join(parts)


def _figures(performance: Dict[str, Any]) -> List[str]:
    numbers = {
        key: value
        for key, value in performance.items()
        if isinstance(value, float) and key.endswith(("_f", "_p", "_r", "_acc"))
    }
    if not numbers:
        return []
    rows = [f"| {key} | {100 * value:.1f} |" for key, value in sorted(numbers.items())]
    return ["## Scores on the development documents", "", "| | |", "|---|---|", *rows, ""]
