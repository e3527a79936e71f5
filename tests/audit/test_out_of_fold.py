import random
import sys

import numpy
import pytest

from rel_component.audit import out_of_fold
from rel_component.audit.out_of_fold import predict_out_of_fold
from rel_component.errors import ConfigError


def test_learns_which_features_go_with_which_class():
    rng = random.Random(0)
    labels = [rng.choice("abc") for _ in range(300)]
    rows = [[f"is {label}", f"noise {rng.randrange(20)}"] for label in labels]
    classes, found = predict_out_of_fold(rows, labels, range(300))
    assert (classes, found.shape) == (["a", "b", "c"], (300, 3))
    numpy.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-5)
    assert [classes[i] for i in found.argmax(axis=1)] == labels


def test_a_group_is_predicted_by_what_others_say():
    # Each group has its own word and its own label: nothing to learn from other groups.
    rows = [[f"word {i % 10}"] for i in range(200)]
    labels = ["a" if i % 10 < 5 else "b" for i in range(200)]
    classes, told = predict_out_of_fold(rows, labels, range(200))
    _, untold = predict_out_of_fold(rows, labels, [i % 10 for i in range(200)], folds=10)
    own = [classes.index(label) for label in labels]
    assert told[numpy.arange(200), own].min() > 0.8
    assert untold[numpy.arange(200), own].max() < 0.6


def test_predictions_are_deterministic_and_learnt_from_a_sample_of_many_rows(monkeypatch):
    rows = [[f"{i % 2}", f"x{i % 7}"] for i in range(100)]
    labels = [f"{i % 2}" for i in range(100)]
    learnt = []
    predict = out_of_fold._predict

    def counted(X, targets, asked, seed):
        learnt.append(X.shape[0])
        return predict(X, targets, asked, seed)

    monkeypatch.setattr(out_of_fold, "_predict", counted)
    first, second = (
        predict_out_of_fold(rows, labels, range(100), max_rows=20)[1] for _ in range(2)
    )
    numpy.testing.assert_array_equal(first, second)
    assert (first.argmax(axis=1) == numpy.arange(100) % 2).all()
    assert learnt == [20] * 20


def test_rows_are_read_once():
    rows = ([f"{i % 2}"] for i in range(50))
    assert predict_out_of_fold(rows, ["a", "b"] * 25, range(50))[1].any()


def test_a_fold_with_a_single_class_to_learn_from():
    classes, found = predict_out_of_fold([["x"]] * 4, ["a", "a", "b", "b"], [0, 0, 1, 1])
    assert found.tolist() == [[0.0, 1.0]] * 2 + [[1.0, 0.0]] * 2
    assert classes == ["a", "b"]


def test_nothing_is_said_without_other_groups():
    assert not predict_out_of_fold([["a"], ["b"]], ["x", "y"], [0, 0])[1].any()
    assert predict_out_of_fold([], [], [])[0] == []


def test_a_missing_library_is_an_error_that_names_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.feature_extraction", None)
    with pytest.raises(ConfigError, match=r"scikit-learn is not installed.*'scikit-learn>="):
        predict_out_of_fold([["a"], ["b"]], ["x", "y"], [0, 1])
