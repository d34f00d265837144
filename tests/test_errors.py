"""What Hydra says is told in our words: what is wrong, and what to do."""

import errno
import os

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import ConfigCompositionException, InstantiationException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import (
    InterpolationKeyError,
    InterpolationResolutionError,
    InterpolationToMissingValueError,
    MissingMandatoryValue,
)
from yaml import YAMLError

from deeper.errors import hint, one_line


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            MissingMandatoryValue("Missing mandatory value: model.name"),
            "model.name has no value; give it one: model.name=…",
        ),
        (
            InterpolationToMissingValueError(
                "MissingMandatoryValue while resolving interpolation: Missing mandatory value: a\n    full_key: b"
            ),
            "a has no value; give it one: a=…",
        ),
        (
            InterpolationResolutionError("Recursive interpolation detected\n    full_key: a.lr\n    object_type=dict"),
            "a.lr takes its value from itself; give it one: a.lr=…",
        ),
        (
            InstantiationException(
                "Error in call to target 'a.B':\nTypeError(\"B.__init__() got an unexpected keyword argument 'zz'\")\n"
                "full_key: hydra.launcher"
            ),
            "hydra.launcher.zz: there is no such setting; --cfg all prints every one of hydra.launcher",
        ),
        (
            ConfigCompositionException("Could not delete 'transfer'. No match in the defaults list"),
            "~transfer: there is nothing to take out; leave it away, or choose another option: transfer=…",
        ),
        (
            ConfigCompositionException("Could not override 'profile@study.profile'."),
            "a file of configuration sets 'profile@study.profile'; its first line must be `# @package _global_`",
        ),
        (
            UnicodeDecodeError("utf-8", b"title: D\xe9nse blocks", 8, 9, "invalid continuation byte"),
            "a file is not UTF-8, near 'title: D\ufffdnse blocks'; save it as UTF-8",
        ),
        (
            InterpolationKeyError(
                "Interpolation key 'regimes.capcity.epochs' not found\n    full_key: training.epochs"
            ),
            "regime=capcity: this profile has no such regime; its file in conf/profile names them",
        ),
        (
            InterpolationKeyError("Interpolation key 'recipe.rate' not found\n    full_key: a.lr"),
            "a.lr takes its value from recipe.rate, and there is no such setting; --cfg job prints every setting",
        ),
        (
            InterpolationKeyError("Interpolation key 'rate' not found"),
            "a setting takes its value from rate, and there is no such setting; --cfg job prints every setting",
        ),
        (
            InterpolationResolutionError(
                "KeyError raised while resolving interpolation: \"Environment variable 'RATE' not found\""
            ),
            "a setting takes its value from the environment variable RATE, which is not set; set it",
        ),
        (
            ConfigCompositionException("Could not override 'profile'.\nNo match in the defaults list."),
            "this command has no profiles; its own settings say how it runs, and --cfg job prints them",
        ),
        (
            YAMLError("found a tab\n  in line 3"),
            "a file is no YAML: found a tab in line 3",
        ),
        (
            ConfigCompositionException("Could not delete from config. 'group' does not exist."),
            "~group: there is no such setting to take out; --cfg job prints every setting",
        ),
        (
            ValueError("Config group override must be a string or a list. Got NoneType"),
            "a group of options is set to null or to a number; name one of its options, or take that override out",
        ),
    ],
)
def test_hydras_errors_are_one_line_that_says_what_to_do(error, words):
    assert one_line(error) == words


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("profile", ""),
        ("model=lenet5 profile=smoke", ""),
        ("seed=[0,1", ""),
        ("seed={a:", ""),
        ("seed=choice()", " (empty choice is not legal)"),
        ("seed=int(x)", " (invalid literal for int() with base 10: 'x')"),
    ],
)
def test_a_word_that_is_no_override_is_named_with_how_it_is_written(word, why):
    with pytest.raises(Exception) as caught:
        OverridesParser.create().parse_overrides([word])
    assert one_line(caught.value) == (
        f"{word!r} cannot be read{why}; a setting is NAME=VALUE, each in quotes of its own where it has spaces or "
        "brackets: 'NAME=[1, 2]'"
    )


@pytest.mark.parametrize("value", ["/home/Jürgen", "a~b", "a#b", "a;b"])
def test_what_wants_quotes_is_told_so_and_is_read_in_them(value):
    with pytest.raises(OverrideParseException) as caught:
        OverridesParser.create().parse_overrides([f"store={value}"])
    told = one_line(caught.value)
    assert told.endswith(f" in it it wants quotes inside quotes: \"store='{value}'\"")
    (override,) = OverridesParser.create().parse_overrides([told.rpartition(": ")[2].strip('"')])
    assert override.value() == value


def test_a_home_that_the_shell_did_not_fill_in_is_told_so():
    with pytest.raises(OverrideParseException) as caught:
        OverridesParser.create().parse_overrides(["store=~/x"])
    assert one_line(caught.value).endswith("the shell leaves this ~ as it is: store=$HOME/x")


def test_a_range_without_a_step_is_told():
    (override,) = OverridesParser.create().parse_overrides(["seed=range(0, 10, 0)"])
    with pytest.raises(ValueError) as caught:
        list(override.sweep_string_iterator())
    assert one_line(caught.value).startswith("a range of the command line has the step 0")


def test_a_setting_that_is_not_there_may_have_been_taken_out():
    with pytest.raises(Exception, match="not in struct") as caught:
        _ = OmegaConf.create({"a": 1}, flags={"struct": True}).model
    assert one_line(caught.value).startswith("unknown setting 'model' in an override, or one that ~ takes out")


@pytest.mark.parametrize(
    ("number", "file", "advice"),
    [
        ("ENOSPC", "store", ": store; free it or choose another, what was finished is kept"),
        ("ESTALE", "store", ": store; free it or choose another, what was finished is kept"),
        ("EFBIG", "store", ": store; free it or choose another, what was finished is kept"),
        ("EBUSY", "store", ": store; free it or choose another, what was finished is kept"),
        ("ETIMEDOUT", "store", ": store; try again when its disk answers, what was finished is kept"),
        ("ENOMEM", None, "; free memory, or run fewer processes at once; what was finished is kept"),
        (
            "EMFILE",
            "store",
            ": store; let a process open more files (ulimit -n), or run fewer processes at once; what was finished is "
            "kept",
        ),
        ("ENFILE", "store", ": store; end other programs, or run fewer processes at once; what was finished is kept"),
    ],
)
def test_what_the_system_refuses_is_one_line(number, file, advice):
    number = getattr(errno, number)
    assert one_line(OSError(number, os.strerror(number), file)) == f"{os.strerror(number)}{advice}"


@pytest.mark.parametrize(
    "error",
    [
        ValueError("something else"),
        OSError(errno.EBADF, "Bad file descriptor"),
        OSError(errno.EAGAIN, "Resource temporarily unavailable"),
        OSError(errno.ETIMEDOUT, "Connection timed out"),
    ],
)
def test_a_defect_has_no_line(error):
    assert one_line(error) is None


def test_a_hint_lists_few_names_whole_and_of_many_the_most_alike():
    many = [f"resnet{depth}" for depth in range(20, 60)] + ["vgg_small"]
    assert hint("vgg_smal", many) == "did you mean 'vgg_small'?"
    assert hint("zzz", ["a", "b"]) == "there are: a, b"
    assert hint("zzz", []) == "there are: none"
    assert hint("vg", many).startswith("there are: ")
    assert "vgg_small" in hint("vg", many)
    assert hint("vg", many).endswith(" and 33 others")
