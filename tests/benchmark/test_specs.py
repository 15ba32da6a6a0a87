from __future__ import annotations

import pytest
from topfive.benchmark.errors import InputError
from topfive.benchmark.specs import nearest, parse


def test_parameters_are_read_by_type() -> None:
    spec = parse("fisher[descriptor=sift+lcs,k=256,pyramid=1x1+3x1,c=1e-2,flip=true,pca=none]")
    assert spec.name == "fisher"
    expected = {"descriptor": "sift+lcs", "k": 256, "pyramid": "1x1+3x1", "c": 0.01, "flip": True, "pca": None}
    assert spec.params == expected


def test_the_canonical_form_does_not_depend_on_the_order_written() -> None:
    assert str(parse("m[b=2,a=true]")) == str(parse("m[a=true,b=2]")) == "m[a=true,b=2]"
    assert parse(str(parse("m[b=2,a=none]"))) == parse("m[a=none,b=2]")


def test_brackets_without_equals_belong_to_a_path() -> None:
    assert parse("/data/set[1]").name == "/data/set[1]"
    assert parse("/data/set[1][per_class=3]").params == {"per_class": 3}


@pytest.mark.parametrize("text", ["m[a=1,b]", "m[=1]", "m[a=1,a=2]", "m[a=nan]", "m[a=-inf]", "m[a=1e999]", "", "  "])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse(text)


def test_the_nearest_name_is_suggested() -> None:
    assert nearest("alxnet", ["alexnet", "hog"], "method") == "unknown method 'alxnet'; did you mean 'alexnet'?"
    assert "known: alexnet, hog" in nearest("zzz", ["hog", "alexnet"], "method")
