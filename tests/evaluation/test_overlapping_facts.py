"""The session of docs/events.md on facts that overlap gives the output that is shown."""

import doctest
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "events.md"


def test_facts_that_overlap_are_counted_apart():
    (block,) = re.findall(
        r"^```python\n(>>> .*?)^```$", PAGE.read_text(encoding="utf8"), flags=re.M | re.S
    )
    test = doctest.DocTestParser().get_doctest(block, {}, PAGE.name, PAGE.name, 0)
    assert len(test.examples) > 10
    assert doctest.DocTestRunner().run(test).failed == 0
