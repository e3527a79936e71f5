"""Trained pipelines with encoders in int8, which take half of the time on a CPU, and less space."""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from spacy import util
from spacy.language import Language

from ..converters.documents import read_references
from ..converters.report import Report
from ..errors import ConfigError
from ..evaluation.evaluate import Progress, evaluate
from ..files import complete_folder
from ..pipeline.upstream import ListeningPipe
from ..pipelines import PipelineSource, load_pipeline, mentions_key, source_name

_N_TEXTS = 500  # are enough to measure the speed
_N_REPEATS = 3


@dataclass(frozen=True)
class Quantization:
    """What a pipeline in int8 loses and gains.

    Attributes:
        encoders: settings of the encoders in int8, such as ``components.shared_encoder.model``.
        n_bytes: size of the pipeline before and after.
        f1: strict micro F1 of relations before and after, in [0, 1]; None: it was not measured.
        speed: texts in a CPU second from raw text to relations, as a multiple of those before; None: it
            was not measured.
    """

    encoders: Sequence[str]
    n_bytes: Tuple[int, int]
    f1: Optional[Tuple[float, float]] = None
    speed: Optional[float] = None

    @property
    def loss(self) -> Optional[float]:
        """Points of F1 that were lost, of 100; below 0 if some were gained."""
        return None if self.f1 is None else 100 * (self.f1[0] - self.f1[1])

    def to_dict(self) -> Dict[str, Any]:
        """The values for JSON."""
        before, after = self.f1 or (None, None)
        return {
            "encoders": list(self.encoders),
            "bytes": {"before": self.n_bytes[0], "after": self.n_bytes[1]},
            "rel_micro_f": {"before": before, "after": after},
            "loss": self.loss,
            "speed": self.speed,
        }


def quantize(
    pipeline: PipelineSource,
    output: Union[str, Path],
    *,
    dev: Optional[Union[str, Path]] = None,
    max_loss: float = 0.5,
    progress: Progress = iter,
) -> Quantization:
    """Save a trained pipeline with its encoders in int8. It is loaded like any other, but not trained.

    Args:
        pipeline: a pipeline with an encoder of this package, its name or path.
        output: folder for the new pipeline, new or empty.
        dev: annotated documents, as :func:`rel_component.evaluate` takes them; None: F1 and speed are
            not measured.
        max_loss: points of strict micro F1, of 100, that may be lost on these documents, end to end.
        progress: passes documents on as they are predicted, and shows how many there have been.

    Raises:
        ConfigError: if there is no such pipeline, it has no encoder that is not in int8 yet, or more
            F1 is lost. Nothing is written then.
        DataError: if the documents cannot be read, or the folder not be written.
    """
    with complete_folder(output) as folder:
        nlp = load_pipeline(pipeline)
        data = nlp.to_bytes()
        made, encoders = _in_int8(nlp, data)
        made.to_disk(folder)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        result = Quantization(encoders, (len(data), size))
        del data
        if dev is None:
            return result
        before, after = (
            float(evaluate(x, dev, n_resamples=0, progress=progress).scores["rel_micro_f"] or 0.0)
            for x in (nlp, made)
        )
        result = Quantization(encoders, result.n_bytes, (before, after), _speed(nlp, made, dev))
        if 100 * (before - after) > max_loss:
            raise ConfigError(
                f"{source_name(pipeline)}: in int8 the F1 of relations on {dev} is {100 * after:.2f}, "
                f"before it was {100 * before:.2f}; a loss of {max_loss:g} is accepted, and nothing was "
                "written. Set another loss (--max-loss), or measure on more documents"
            )
        return result


def _in_int8(nlp: Language, data: bytes) -> Tuple[Language, List[str]]:
    """A copy of a pipeline, from its bytes, and the settings of its encoders."""
    config = nlp.config.copy()
    blocks = dict(_encoders("components", config["components"]))
    if not blocks:
        raise ConfigError(
            f"{source_name(nlp)}: this pipeline has no encoder that could be in int8 and is not; those "
            "of rel_component.Encoder, EntityMarkers and PackedMarkers can"
        )
    for block in blocks.values():
        block["precision"] = "int8"
    made = util.load_model_from_config(config, disable=nlp.disabled, meta=nlp.meta)
    made.from_bytes(data, exclude=["config.cfg"])
    for _, component in made.components:
        if isinstance(component, ListeningPipe):
            component.bind_upstream(made)  # whose vectors are others now
    return made, list(blocks)


def _encoders(place: str, settings: Dict[str, Any]) -> Iterator[Tuple[str, Dict[str, Any]]]:
    """The blocks of a config that describe an encoder of this package, by their places."""
    is_ours = str(settings.get("@architectures", "")).startswith("rel_component.")
    if is_ours and settings.get("precision", "int8") != "int8":
        yield place, settings
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _encoders(f"{place}.{name}", value)


def _speed(nlp: Language, made: Language, dev: Union[str, Path]) -> float:
    """Texts in a CPU second as a multiple of those of `nlp`; they take turns."""
    spans_key = mentions_key(nlp)
    docs = read_references(dev, nlp, Report(), spans_key=spans_key, limit=_N_TEXTS)
    texts = [doc.text for doc in docs]
    ratios = []
    for _ in range(_N_REPEATS):
        seconds = []
        for pipeline in (nlp, made):
            start = time.process_time()
            for _ in pipeline.pipe(texts):
                pass
            seconds.append(time.process_time() - start)
        ratios.append(seconds[0] / max(seconds[1], 1e-6))
    return statistics.median(ratios)
