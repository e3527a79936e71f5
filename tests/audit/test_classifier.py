import random

import numpy

from rel_component.audit.classifier import Classifier, out_of_fold


def test_learns_which_features_go_with_which_class():
    rng = random.Random(0)
    targets = [rng.randrange(3) for _ in range(300)]
    rows = [numpy.asarray([target, 3 + rng.randrange(20)]) for target in targets]
    model = Classifier().fit(rows, targets, 3)
    found = model.predict(rows)
    assert found.shape == (300, 3)
    numpy.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-5)
    assert list(found.argmax(axis=1)) == targets


def test_rare_and_unknown_features_are_left_out():
    rows = [numpy.asarray([0]), numpy.asarray([0]), numpy.asarray([1]), numpy.asarray([0])]
    model = Classifier(min_count=2).fit(rows, [0, 0, 1, 1], 2)
    rare, unknown = model.predict([numpy.asarray([1]), numpy.asarray([99])])
    numpy.testing.assert_array_equal(rare, unknown)


def test_a_group_is_predicted_by_what_others_say():
    # Each group has its own word and its own label: nothing to learn from other groups.
    rows = [[f"word {i % 10}"] for i in range(200)]
    labels = ["a" if i % 10 < 5 else "b" for i in range(200)]
    classes, told = out_of_fold(rows, labels, list(range(200)))
    _, untold = out_of_fold(rows, labels, [i % 10 for i in range(200)], folds=10)
    own = [classes.index(label) for label in labels]
    assert told[numpy.arange(200), own].min() > 0.8
    assert untold[numpy.arange(200), own].max() < 0.6


def test_out_of_fold_is_deterministic_and_takes_a_sample_of_many_rows():
    rows = [[f"{i % 2}", f"x{i % 7}"] for i in range(100)]
    labels = [f"{i % 2}" for i in range(100)]
    first, second = (out_of_fold(rows, labels, range(100), max_rows=20)[1] for _ in range(2))
    numpy.testing.assert_array_equal(first, second)
    assert (first.argmax(axis=1) == numpy.arange(100) % 2).all()


def test_nothing_is_said_without_other_groups():
    assert not out_of_fold([["a"], ["b"]], ["x", "y"], [0, 0])[1].any()
    assert out_of_fold([], [], [])[0] == []
