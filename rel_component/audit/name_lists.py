"""Lists of names by group, for the comparison of a pipeline's scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Collection, Dict, Optional, Tuple

from ..errors import ConfigError, DataError, shown
from ..yaml_files import read_yaml_or_json
from .rewriting import Name

_PEOPLE = ("PERSON", "PER", "Person", "Peop", "person")


@dataclass(frozen=True)
class NameGroups:
    """Names by group, and the entity type that they are for.

    Attributes:
        groups: the names of each group, as words.
        entity_type: entity type of the mentions that the names replace; None: people, under any of
            the usual names of that type.
    """

    groups: Dict[str, Tuple[Name, ...]]
    entity_type: Optional[str] = None

    @classmethod
    def read(cls, path: Path, entity_type: Optional[str] = None) -> "NameGroups":
        """Read a YAML or JSON file: a mapping from groups to lists of names.

        Args:
            path: the file.
            entity_type: entity type of the mentions that the names replace; None: people.

        Raises:
            ConfigError: if it cannot be read or is something else.
        """
        try:
            data = read_yaml_or_json(path)
        except DataError as err:
            raise ConfigError(str(err)) from err
        if not isinstance(data, Mapping) or len(data) < 2:
            raise ConfigError(
                f"{path}: expected a mapping from two or more groups to lists of names"
            )
        groups: Dict[str, Tuple[Name, ...]] = {}
        for group, names in data.items():
            if not isinstance(names, list) or not names:
                raise ConfigError(
                    f"{path}: {group!s:.60}: expected a list of names, got {shown(names)}"
                )
            for name in names:
                if not isinstance(name, str) or not name.split():
                    raise ConfigError(f"{path}: {group!s:.60}: {shown(name)} is not a name")
            groups[str(group)] = tuple(tuple(name.split()) for name in names)
        return cls(groups, entity_type)

    def type_in(self, types: Collection[str]) -> str:
        """The entity type to replace.

        Raises:
            ConfigError: if it does not occur.
        """
        wanted = _PEOPLE if self.entity_type is None else (self.entity_type,)
        for name in wanted:
            if name in types:
                return name
        raise ConfigError(
            f"no mention has the type {' or '.join(wanted)}; types in the corpus: "
            f"{', '.join(sorted(types)) or 'none'}. Say with --names-type which one to replace."
        )
