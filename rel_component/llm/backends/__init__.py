"""Language models behind one contract, one a file; see :class:`rel_component.llm.types.Backend`."""
