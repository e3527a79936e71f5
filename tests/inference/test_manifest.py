"""The manifest of a run."""

import threading
from concurrent.futures import ThreadPoolExecutor

from rel_component.errors import ConfigError
from rel_component.inference.manifest import NAME, Manifest
from rel_component.inference.work import Work


def test_of_runs_that_begin_at_once_one_goes_on(tmp_path):
    work, barrier = Work("pipeline", tmp_path), threading.Barrier(6)

    def begin(_):
        barrier.wait()
        try:
            return Manifest(work, {"source": "s"}, resume=False)
        except ConfigError as err:
            return str(err)

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(begin, range(6)))
    (manifest,) = (each for each in found if isinstance(each, Manifest))
    manifest.close()
    assert [file.name for file in tmp_path.iterdir()] == [NAME]
