"""What a spec may say, and what each mistake is answered with."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sr_core.discovery import discover
from sr_core.errors import SpecError
from sr_core.spec.reading import Spec, read_spec

GOOD = """
    name: first
    scale: [2, 2.5]
    evaluate:
      on: [{name: Mine, hr: pictures, lr: 'lr_x{scale}'}, 'samples:test']
      candidates:
        - nearest
        - {name: spline, order: 2}
        - {name: old bicubic, upsampler: {name: bicubic, rounding: each_pass}}
        - {name: theirs, pictures: 'out/x{scale}'}
      metrics: [psnr]
      protocol: {base: classic, crop: scale+6}
"""


def read(text: str, folder: Path, *overrides: tuple[str, str]) -> Spec:
    path = folder / "spec.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    return read_spec(path, discover().registry, overrides)


def faults(text: str, folder: Path, *overrides: tuple[str, str]) -> list[str]:
    with pytest.raises(SpecError) as caught:
        read(text, folder, *overrides)
    return [str(fault).removeprefix(f"{folder}/") for fault in caught.value.faults]


def test_a_spec_says_everything_in_one_file(tmp_path: Path) -> None:
    run = read(GOOD, tmp_path).run
    assert run.scale == (2, 2.5)
    assert run.evaluate is not None
    assert [dataset.name for dataset in run.evaluate.on] == ["Mine", "samples-test"]
    assert [candidate.name for candidate in run.evaluate.candidates] == ["nearest", "spline", "old bicubic", "theirs"]
    assert run.evaluate.candidates[1].upsampler is not None
    assert run.evaluate.candidates[1].upsampler.parameters == {"order": 2}
    protocol = run.evaluate.protocol.protocol
    assert (protocol.name, protocol.luma, protocol.clip, protocol.crop_pixels(2)) == ("custom", "y8", "studio", 8)


def test_defaults_are_the_modern_protocol_and_psnr_with_ssim(tmp_path: Path) -> None:
    run = read("name: a\nscale: 2\nevaluate: {on: samples, candidates: [bicubic]}", tmp_path).run
    assert run.evaluate is not None
    assert run.evaluate.protocol.protocol.name == "modern"
    assert [metric.name for metric in run.evaluate.metrics] == ["psnr", "ssim"]
    assert (run.seed, run.device, run.precision, run.degradation.name) == (0, "auto", "auto", "bicubic")


BASE = "name: a\nscale: 2\nevaluate: {on: [samples], candidates: [bicubic]}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("scle: 2\n" + BASE, "spec.yaml:1:1: scle: unknown key 'scle'; did you mean 'scale'?"),
        ("name: a\nevaluate: {on: [samples], candidates: [bicubic]}", "spec.yaml:1:1: 'scale' is missing"),
        (BASE.replace("scale: 2", "scale: two"), "spec.yaml:2:8: scale: expected a number, found 'two'"),
        (BASE.replace("scale: 2", "scale: 0"), "spec.yaml:2:8: scale: a scale is a number from 1/64 to 64, found 0"),
        (BASE.replace("scale: 2", "scale: [2, .nan]"), "spec.yaml:2:12: scale[1]: "),
        (BASE.replace("scale: 2", "scale: []"), "spec.yaml:2:8: scale: expected at least one"),
        (BASE.replace("name: a", "name: a/b"), "spec.yaml:1:7: name: "),
        ("seed: yes\n" + BASE, "spec.yaml:1:7: seed: expected a whole number, found 'yes'"),
        ("device: gpu\n" + BASE, "spec.yaml:1:9: device: "),
        ("precision: half\n" + BASE, "spec.yaml:1:12: precision: input should be 'auto', 'float32', "),
        ("degradation: bicubik\n" + BASE, "unknown degradation 'bicubik'; did you mean 'bicubic'?"),
        (BASE.replace("[bicubic]", "[bicubik]"), "candidates[0]: unknown upsampler 'bicubik'; did you mean 'bicubic'?"),
        (BASE.replace("[bicubic]", "[{order: 3}]"), "candidates[0]: 'name' is missing"),
        (BASE.replace("[bicubic]", "[bicubic, bicubic]"), "candidates[1]: a second candidate called 'bicubic'; give"),
        (BASE.replace("[bicubic]", "[3]"), "expected a candidate: a name, or a mapping"),
        (BASE.replace("[bicubic]", "[{model: trained}]"), "which this spec does not have"),
        (BASE.replace("[bicubic]", "[{pictures: x}]"), "candidates[0]: 'name' is missing"),
        (BASE.replace("[bicubic]", "[{name: a, pictures: x, upsampler: bicubic}]"), "give one of pictures, upsampler"),
        (BASE.replace("[bicubic]", "[{name: a, upsampler: bicubic, weights: w}]"), "'weights' belongs to a 'model'"),
        (BASE.replace("[samples]", "[samples, samples]"), "on[1]: a second data set called 'samples'; give"),
        (BASE.replace("[samples]", "[{name: x}]"), "on[0]: 'hr' is missing"),
        (BASE.replace("}", ", metrics: [pnsr]}"), "metrics[0]: unknown metric 'pnsr'; did you mean 'psnr'?"),
        (BASE.replace("}", ", metrics: []}"), "metrics: expected at least one"),
        (BASE.replace("}", ", protocol: clasic}"), "unknown protocol 'clasic'; known: classic, modern, rgb"),
        (
            BASE.replace("}", ", protocol: {luma: hsv}}"),
            "protocol.luma: input should be 'y8', 'y' or 'rgb', found 'hsv'",
        ),
        (BASE.replace("}", ", protocol: {crop: -1}}"), "protocol.crop: "),
        (BASE + "train: {}\n", "spec.yaml:4:8: train: 'model' is missing; 'data' is missing"),
        ("name: a\nscale: 2\n", "nothing to do: add 'train', 'evaluate' or 'upscale'"),
        ("name: a\nscale: [2, 3]\nupscale: {inputs: x.png, with: bicubic}", "'upscale' needs one scale"),
        ("name: a\nscale: 2\nupscale: {input: x.png, with: bicubic}", "did you mean 'inputs'?"),
        (BASE.replace("scale: 2", "scale: [2, 2]"), "spec.yaml:2:8: scale: a scale stands twice"),
        (
            BASE.replace("[bicubic]", "[{name: 'a*b', pictures: x}, {name: 'a:b', pictures: x}]"),
            "a second candidate called 'a:b' (as a file",
        ),
        (BASE.replace("}", ", protocol: {crop: 2000}}"), "protocol.crop: "),
        (BASE.replace("}", ", protocol: {crop: scal}}"), "'scal' is not of the form 'scale' or 'scale+6'"),
        (BASE.replace("}", ", metrics: [psnr, psnr]}"), "metrics[1]: a second metric called 'psnr'"),
        ("x: " + "[" * 1000, "nested too deeply"),
        ("- just\n- a list\n", "the file must be a mapping of keys"),
        ("", "the file is empty"),
    ],
)
def test_each_mistake_names_its_place_and_the_mend(text: str, expected: str, tmp_path: Path) -> None:
    assert any(expected in fault for fault in faults(text, tmp_path)), faults(text, tmp_path)


def test_several_faults_are_reported_together_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """
        name: a
        scale: two
        seeds: 1
        evaluate:
          on: [{name: x, hrr: y}]
          candidates: [nearst]
          metrics: [pnsr, sim]
    """
    found = faults(text, tmp_path)
    lines = [int(fault.split(":")[1]) for fault in found]
    assert lines == sorted(lines)
    for word in ("'two'", "'seeds'", "'hrr'", "'nearst'", "'pnsr'", "'sim'"):
        assert any(word in fault for fault in found)


def test_set_replaces_a_value_and_is_named_in_its_faults(tmp_path: Path) -> None:
    run = read(BASE, tmp_path, ("evaluate.metrics", "[ssim]"), ("seed", "7")).run
    assert run.evaluate is not None
    assert [metric.name for metric in run.evaluate.metrics] == ["ssim"]
    assert run.seed == 7
    (fault,) = faults(BASE, tmp_path, ("evaluate.metrics", "[pnsr]"))
    assert fault.startswith("--set evaluate.metrics: evaluate.metrics[0]: unknown metric 'pnsr'")


def test_relative_paths_are_relative_to_the_spec(tmp_path: Path) -> None:
    evaluate = read(GOOD, tmp_path).run.evaluate
    assert evaluate is not None
    assert evaluate.on[0].hr == (str(tmp_path / "pictures"),)
    assert evaluate.on[0].lr == str(tmp_path / "lr_x{scale}")
    assert evaluate.on[1].hr == ("samples:test",)
    assert evaluate.candidates[3].pictures == str(tmp_path / "out/x{scale}")


@pytest.mark.parametrize(
    ("source", "name"),
    [("data/Set5/HR", "Set5"), ("Set5/*.png", "Set5"), ("../BSD100/", "BSD100"), ("samples:test", "samples-test")],
)
def test_a_data_set_without_a_name_is_called_after_its_folder(source: str, name: str, tmp_path: Path) -> None:
    run = read(f"name: a\nscale: 2\nevaluate: {{on: ['{source}'], candidates: [bicubic]}}", tmp_path).run
    assert run.evaluate is not None
    assert run.evaluate.on[0].name == name


SPEC_FILES = Path(tempfile.mkdtemp())
INSTALLED = discover().registry
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["bicubic", "psnr", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "scale", "on", "hr", "candidates", "evaluate", "with", "model"]), inner
        )
    ),
    max_leaves=12,
)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(plain)
def test_whatever_stands_in_a_spec_is_read_or_refused_with_faults(data: object) -> None:
    path = SPEC_FILES / "spec.yaml"
    path.write_text(json.dumps(data), encoding="utf-8")
    try:
        read_spec(path, INSTALLED)
    except SpecError as error:
        assert all(str(fault).startswith(str(path)) for fault in error.faults)
