"""Settings: one declaration, from which all else follows."""

from dataclasses import dataclass

import pytest

from genre_engine import models
from genre_engine.errors import BadSetting, WrongUsage
from genre_engine.models import Settings, setting


@dataclass(frozen=True)
class Example(Settings):
    rate: float = setting(0.1, low=0.01, high=1.0, log=True, label="Rate", main=True)
    trees: int = setting(100, low=1, high=500, step=10)
    layers: tuple[int, ...] = setting((64, 32), low=4, high=512)
    loss: str = setting("focal", choices=("cross-entropy", "focal"))
    balanced: bool = setting(False)


def test_text_becomes_values_of_the_right_type():
    texts = {"rate": "5e-2", "trees": "7", "layers": "128, 64,32", "loss": "focal"}
    assert Example.parse(texts | {"balanced": "Yes"}) == Example(
        0.05, 7, (128, 64, 32), "focal", True
    )


def test_a_dictionary_gives_the_same_settings_back():
    settings = Example(rate=0.5, layers=(8,))
    assert Example.from_dict(settings.to_dict()) == settings
    assert settings.changed() == {"rate": 0.5, "layers": [8]}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"ratio": "0.1"}, "Did you mean 'rate'"),
        ({"rate": "2"}, r"rate can't be 2; choose a value from 0.01 to 1"),
        ({"rate": "nan"}, "rate is a number"),
        ({"rate": "fast"}, "rate is a number, not 'fast'"),
        ({"trees": "2.5"}, "trees is a whole number"),
        ({"trees": "0"}, "from 1 to 500"),
        ({"layers": "64,x"}, "layers is a whole number, not 'x'"),
        ({"layers": ""}, "layers is a whole number, not ''"),
        ({"layers": "64,2"}, "from 4 to 512"),
        ({"layers": ",".join(["8"] * 9)}, "1 to 8 numbers"),
        ({"loss": "focall"}, "Did you mean 'focal'"),
        ({"balanced": "maybe"}, "true or false"),
    ],
)
def test_a_bad_value_is_refused_with_what_is_allowed(texts, message):
    with pytest.raises(BadSetting, match=message):
        Example.parse(texts)


@pytest.mark.parametrize(
    "values",
    [{"rate": "0.1"}, {"trees": True}, {"layers": "64"}, {"layers": [4.5]}, {"balanced": 1}],
)
def test_a_value_of_another_type_is_refused(values):
    with pytest.raises(BadSetting):
        Example.from_dict(values)


@pytest.mark.parametrize("name", models.NAMES)
def test_every_setting_of_every_model_can_be_shown_typed_and_searched(name):
    settings = models.model(name).Settings
    defaults = settings()
    for info in settings.describe():
        assert info.label
        assert info.help.endswith(".")
        assert info.checked(info.default) == info.default
        assert settings.parse({info.name: info.text(info.default)}) == defaults
        if info.type in ("int", "float", "sizes"):
            assert info.low < info.high
        if info.search and info.type in ("int", "float"):
            low, high = info.search
            assert info.low <= low < high <= info.high
        elif info.search:
            for value in info.search:
                info.checked(value)


def test_a_preset_of_fcn_is_the_course_projects():
    kind = models.model("fcn")
    settings = kind.Settings.from_dict(kind.PRESETS["course project"])
    assert settings.layers == (256, 128, 64)
    assert (settings.epochs, settings.patience, settings.batch_size) == (64, 10, 32)
    assert (settings.learning_rate, settings.dropout) == (1e-4, 0.5)
    assert settings.loss == "cross-entropy"
    assert not settings.class_weights
    assert not settings.dropout_everywhere
    assert settings.noise == settings.mixup == settings.l2 == 0
    assert settings.schedule == "constant"


def test_zero_stands_for_what_a_model_chooses_where_it_says_so():
    kind = models.model("linear").Settings
    assert kind.parse({"strength": "0"}).strength == 0
    assert kind.info("strength").zero
    with pytest.raises(BadSetting, match="or 0: by inner folds"):
        kind.parse({"strength": "-1"})
    with pytest.raises(BadSetting):
        models.model("fcn").Settings.parse({"learning_rate": "0"})


def test_an_unknown_model_is_refused_with_the_nearest_name():
    with pytest.raises(WrongUsage, match="Did you mean 'forest'"):
        models.model("forrest")
