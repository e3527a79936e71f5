"""Small pipelines, and a folder that one is saved in."""

import pytest

from .label_readers import learned
from .saved_pipelines import make_joint


@pytest.fixture(scope="session")
def joint():
    """An initialised pipeline with a shared encoder."""
    return make_joint()


@pytest.fixture(scope="session")
def saved_joint(joint, tmp_path_factory):
    """The folder that the pipeline is saved in, and the data of its files."""
    folder = tmp_path_factory.mktemp("saved") / "pipeline"
    joint.to_disk(folder)
    return folder, {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def folder(saved_joint):
    """The folder of the saved pipeline, which is mended after each test."""
    path, files = saved_joint
    yield path
    for file, data in files.items():
        if not file.is_file() or file.read_bytes() != data:
            file.write_bytes(data)


@pytest.fixture(scope="session")
def trained():
    """A trained pipeline whose relation extractor reads its labels, for tests that leave it as it is."""
    return learned()
