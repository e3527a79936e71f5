"""The content of schema files.

A schema file is YAML or JSON::

    relations:
      - label: FOUNDED_BY
        description: The head organisation was founded by the tail.
        head: [ORG]              # allowed entity types; left out or empty: any
        tail: [PERSON, ORG]
        inferred: true           # optional: these types are expected, and others not forbidden
        inverse: FOUNDER_OF      # optional: label of the same fact read from tail to head
        asymmetric: true         # optional: never holds in both directions at once
        functional: false        # optional: a head has one tail at most
        transitive: false        # optional: a to b and b to c mean a to c
        aliases: [started by]    # optional: other names, for models that read labels
        examples:                # optional: texts that show it, for the same models
          - <head>Apple</head> was founded by <tail>Steve Jobs</tail> in 1976.
      - label: PARTNER_OF
        symmetric: true          # optional: head and tail can be exchanged
        head: [ORG]
        tail: [ORG]
    events:                      # optional: records of several roles, see event_types.py
      - label: MERGER
        description: Several organisations become one.
        trigger: [EVENT]         # optional: types of the mention that stands for the event; true: any
        roles:
          party: {types: [ORG], min: 2}      # min, max: numbers of fillers, 0 and any if left out
          result: {types: [ORG], max: 1}
        symmetric: []            # optional: roles whose fillers can be exchanged
"""

import json
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import srsly

from .errors import SchemaError
from .event_types import EventType, parse_event_type
from .relation_types import RelationType, parse_type

_KEYS = ("relations", "events")


def parse_schema(data: Any, source: str) -> Tuple[List[RelationType], List[EventType]]:
    """Read the content of a schema file.

    Args:
        data: ``{"relations": [...], "events": [...]}``, of which one may be left out.
        source: where the data comes from, for error messages, e.g. a path.

    Raises:
        SchemaError: naming the source and the key at fault.
    """
    if not isinstance(data, Mapping) or not data.keys() & set(_KEYS):
        raise SchemaError(f'{source}: expected a mapping with a list under "relations"')
    for key in _KEYS:
        if not isinstance(data.get(key, []), (list, tuple)):
            raise SchemaError(f'{source}: expected a mapping with a list under "{key}"')
    unknown = sorted(str(key) for key in data if key not in _KEYS)
    if unknown:
        raise SchemaError(
            f'{source}: {unknown[0]:.60}: unknown key; accepted: "relations", "events"'
        )
    relations, events = (data.get(key, []) for key in _KEYS)
    return (
        [parse_type(item, f"{source}: relations[{i}]") for i, item in enumerate(relations)],
        [parse_event_type(item, f"{source}: events[{i}]") for i, item in enumerate(events)],
    )


def schema_yaml(data: Dict[str, Any], reasons: Mapping[str, Sequence[str]]) -> str:
    """The content of a YAML schema file.

    Args:
        data: see :func:`parse_schema`.
        reasons: comments on relation types, by label.
    """
    entries = data["relations"]
    parts = ["relations:\n"] if entries else [srsly.yaml_dumps({"relations": []})]
    for entry in entries:
        parts += [f"  # {reason}\n" for reason in reasons.get(entry["label"], ())]
        text = srsly.yaml_dumps({"relations": [entry]}).partition("\n")[2]
        if "\x85" in text:  # a line break to who reads it; JSON is YAML, too, and escapes it
            text = f"  - {json.dumps(entry)}\n"
        parts.append(text)
    if "events" in data:
        parts.append(srsly.yaml_dumps({"events": data["events"]}))
    return "".join(parts)
