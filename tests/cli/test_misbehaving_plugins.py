"""Strangers that misbehave at odd moments: each is named, in one line, and nothing else is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent

import pytest
from click.testing import Result

from tests.conftest import Install

Srkit = Callable[..., Result]

pytestmark = pytest.mark.usefixtures("no_plots")

AT_IMPORT = {
    "a base exception": "class Odd(BaseException): pass\nraise Odd('odd')",
    "a generator's exit": "raise GeneratorExit",
    "an exception that cannot be printed": "class Mute(Exception):\n    def __str__(self): raise ValueError\nraise Mute",
    "a message of several lines with escape codes": "raise ValueError('one\\ntwo\\x1b[31m')",
}


@pytest.mark.parametrize("code", AT_IMPORT.values(), ids=AT_IMPORT)
@pytest.mark.parametrize(
    "command", [["list-plugins"], ["list-plugins", "--json"], ["--help"], ["show", "metric", "psnr"]]
)
def test_whatever_is_raised_at_import_stops_no_command(
    code: str, command: list[str], install: Install, srkit: Srkit
) -> None:
    install("odd-stranger", "odd_stranger", code)
    done = srkit(*command)
    assert done.exit_code == 0
    assert "\x1b[31m" not in done.output
    if command[0] == "list-plugins":
        (line,) = (line for line in done.output.splitlines() if "importing odd_stranger" in line)
        assert line


@pytest.mark.parametrize("answer", ["3", "['x']", "[click.Command(None)]", "(_ for _ in ()).throw(SystemExit(9))"])
def test_commands_that_are_no_commands_are_told_of_once(answer: str, install: Install, srkit: Srkit) -> None:
    code = f"""
        import click
        from sr_core import hookimpl

        @hookimpl
        def srkit_commands():
            return {answer}
    """
    install("odd-commands", "odd_commands", code)
    done = srkit("--help")
    assert done.exit_code == 0
    assert done.output.count("odd-commands 1.0: its commands are left out") == 1


def test_what_a_plugin_prints_does_not_get_into_json(install: Install, srkit: Srkit) -> None:
    install(
        "chatty",
        "chatty",
        "from sr_core import hookimpl\nprint('hello')\n\n@hookimpl\ndef srkit_register(registry): print('again')",
    )
    done = srkit("list-plugins", "--json")
    assert {d["name"] for d in json.loads(done.stdout)["distributions"]} >= {"chatty", "srkit-core"}


@pytest.mark.parametrize(
    ("registration", "complaint"),
    [
        ("summary='s', year=object()", "year must be a text, a number"),
        ("summary='s', tags=('a', 3)", "tags must be"),
        ("summary='s', reference=3", "reference must be one line"),
    ],
)
def test_facts_that_are_no_facts_are_refused(registration: str, complaint: str, install: Install, srkit: Srkit) -> None:
    code = f"""
        from sr_core import hookimpl

        @hookimpl
        def srkit_register(registry):
            registry.upsampler("mine", "a.b:C", {registration})
    """
    install("odd-facts", "odd_facts", code)
    done = srkit("list-plugins", "--json")
    assert done.exit_code == 0
    (failure,) = json.loads(done.stdout)["failures"]
    assert complaint in failure["reason"]


def component(kind: str, base: str, body: str) -> str:
    """A plugin with one component called `odd`."""
    hook = f"""
        from __future__ import annotations
        import torch
        from torch import nn
        from sr_core import *
        from sr_core import hookimpl

        @hookimpl
        def srkit_register(registry):
            registry.{kind}("odd", "odd_component:Odd", summary="misbehaves")

        class Odd({base}):
    """
    return dedent(hook) + indent(dedent(body), "    ")


def run(srkit: Srkit, tmp_path: Path, evaluate: str, top: str = "") -> Result:
    spec = tmp_path / "spec.yaml"
    spec.write_text(f"name: a\nscale: 2\n{top}\nevaluate: {{on: photographs, {evaluate}}}\n", encoding="utf-8")
    return srkit("run", spec, "--output", tmp_path / "out")


def values(tmp_path: Path) -> dict[tuple[str, str], dict[str, float]]:
    records = json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))
    return {(record["candidate"], record["metric"]): record["per_image"] for record in records}


CALL = "def __call__(self, image, scale):\n"
BAD_UPSAMPLERS = {
    "raises SystemExit": (CALL + "    raise SystemExit(0)", "failed on alpha.png: SystemExit: 0"),
    "gives NaN": (CALL + "    return resize(image, scale) * float('nan')", "pixels that are not finite"),
    "gives integers": (CALL + "    return resize(image, scale).int()", "promised floating-point pixels"),
    "gives another device's": (CALL + "    return resize(image, scale).to('meta')", "promised a picture on cpu"),
    "gives a wrong size": (CALL + "    return image", "promised a tensor of shape"),
    "gives nothing": (CALL + "    return None", "gave NoneType"),
    "has a number as scales": ("scales = 2\n" + CALL + "    return image", "scales must be frozenset({2, 3, 4})"),
    "has words as scales": ("scales = frozenset({'2'})\n" + CALL + "    return image", "scales must be"),
    "has odd channels": ("channels = 'cmyk'\n" + CALL + "    return image", "channels must be 'y', 'rgb', 'any'"),
    "leaves its constructor": (
        "def __init__(self): raise SystemExit(0)\n" + CALL + "    return image",
        "cannot be built: SystemExit",
    ),
    "has an unreadable hint": (
        "def __init__(self, x: Nowhere = 1): pass\n" + CALL + "    return image",
        "a type hint cannot be read",
    ),
    "takes by position": ("def __init__(self, x: int = 1, /): pass\n" + CALL + "    return image", "positional only"),
}


@pytest.mark.usefixtures("photographs")
@pytest.mark.parametrize(("body", "complaint"), BAD_UPSAMPLERS.values(), ids=BAD_UPSAMPLERS)
def test_an_upsampler_that_breaks_its_contract_is_named(
    body: str, complaint: str, install: Install, srkit: Srkit, tmp_path: Path
) -> None:
    install("odd-component", "odd_component", component("upsampler", "Upsampler", body))
    done = run(srkit, tmp_path, "candidates: [odd]")
    assert done.exit_code == 2
    assert complaint in done.output
    assert "odd" in done.output
    assert "Traceback" not in done.output


@pytest.mark.usefixtures("photographs")
def test_a_candidate_that_writes_into_its_input_does_not_change_the_next(
    install: Install, srkit: Srkit, tmp_path: Path
) -> None:
    body = CALL + "    image.zero_()\n    return resize(image, scale, sr_size(image.shape[-2:], scale))"
    install("odd-component", "odd_component", component("upsampler", "Upsampler", body))
    done = run(srkit, tmp_path, "candidates: [bicubic, odd, {name: again, upsampler: bicubic}]")
    assert done.exit_code == 0, done.output
    found = values(tmp_path)
    assert found["again", "psnr"] == found["bicubic", "psnr"]


BAD_METRICS = {
    "raises": ("    raise RuntimeError('out of luck')", "metric 'odd': RuntimeError: out of luck"),
    "leaves": ("    raise SystemExit(0)", "metric 'odd': SystemExit"),
    "gives NaN": ("    return torch.tensor([float('nan')])", "metric 'odd' gave no number (NaN)"),
    "pools": ("    return torch.zeros(3)", "promised one value for each picture, gave shape (3,)"),
}


@pytest.mark.usefixtures("photographs")
@pytest.mark.parametrize(("body", "complaint"), BAD_METRICS.values(), ids=BAD_METRICS)
def test_a_metric_that_breaks_its_contract_is_named_with_the_picture(
    body: str, complaint: str, install: Install, srkit: Srkit, tmp_path: Path
) -> None:
    code = component("metric", "Metric", f"def __call__(self, sr, reference):\n{body}")
    install("odd-component", "odd_component", code)
    done = run(srkit, tmp_path, "candidates: [bicubic], metrics: [odd]")
    assert done.exit_code == 2
    assert complaint in done.output
    assert "alpha.png" in done.output


@pytest.mark.usefixtures("photographs")
def test_a_metric_that_writes_into_what_it_measures_does_not_change_the_next(
    install: Install, srkit: Srkit, tmp_path: Path
) -> None:
    body = (
        "def __call__(self, sr, reference):\n    sr.zero_()\n    return (sr - reference).square().mean(dim=(1, 2, 3))"
    )
    install("odd-component", "odd_component", component("metric", "Metric", body))
    run(srkit, tmp_path, "candidates: [bicubic], metrics: [odd, psnr]")
    spoiled = values(tmp_path)["bicubic", "psnr"]
    assert all(value > 15 for value in spoiled.values())


FORWARD = "def forward(self, hr, scale, random):\n"
SHRUNK = "resize(hr, size=degraded_size(hr.shape[-2:], scale))"
BAD_DEGRADATIONS = {
    "raises": ("    raise RuntimeError('out of luck')", "the degradation failed: RuntimeError: out of luck"),
    "gives nothing": ("    return None", "promised LR of shape (1, 3, 24, 30)"),
    "gives an empty tuple": ("    return ()", "gave tuple"),
    "drops a row": (f"    return {SHRUNK}[..., 1:, :]", "gave (1, 3, 23, 30)"),
    "drops colour": (f"    return {SHRUNK}[:, :1]", "gave (1, 1, 24, 30)"),
    "gives NaN": (f"    return {SHRUNK} * float('nan')", "values that are not finite"),
    "gives another target": (f"    return {SHRUNK}, hr[..., 1:]", "promised target of shape"),
}


@pytest.mark.usefixtures("photographs")
@pytest.mark.parametrize(("body", "complaint"), BAD_DEGRADATIONS.values(), ids=BAD_DEGRADATIONS)
def test_a_degradation_that_breaks_its_contract_is_named(
    body: str, complaint: str, install: Install, srkit: Srkit, tmp_path: Path
) -> None:
    install("odd-component", "odd_component", component("degradation", "Degradation", FORWARD + body))
    done = run(srkit, tmp_path, "candidates: [bicubic]", "degradation: odd")
    assert done.exit_code == 2
    assert complaint in done.output


@pytest.mark.usefixtures("photographs")
def test_a_degradations_own_target_is_the_truth(install: Install, srkit: Srkit, tmp_path: Path) -> None:
    """LR and target both black: any interpolator is perfect, and the results are valid JSON."""
    body = FORWARD + f"    return {SHRUNK} * 0, hr * 0"
    install("odd-component", "odd_component", component("degradation", "Degradation", body))
    done = run(srkit, tmp_path, "candidates: [bicubic], metrics: [psnr]", "degradation: odd")
    assert done.exit_code == 0, done.output

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    text = (tmp_path / "out/results.json").read_text(encoding="utf-8")
    (record,) = json.loads(text, parse_constant=refuse)
    assert record["mean"] == "Infinity"
    assert record["low_resolution"] == "odd"


def test_a_fixed_scale_network_gets_its_scale_as_the_whole_number_it_asks_for(
    install: Install, srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    body = """
        scales = frozenset({2, 3})
        channels = "any"

        def __init__(self, scale: int):
            assert type(scale) is int
            self.scale = scale

        def __call__(self, image, scale):
            return image.repeat_interleave(scale, -1).repeat_interleave(scale, -2)
    """
    install("odd-component", "odd_component", component("upsampler", "Upsampler", body))
    assert photographs.exists()
    assert run(srkit, tmp_path, "candidates: [odd]").exit_code == 0
    fractional = srkit("check", tmp_path / "spec.yaml", "--set", "scale=2.5")
    assert "scale: expected a whole number, found 2.5" in fractional.output
    several = srkit("check", tmp_path / "spec.yaml", "--set", "scale=[2, 3]")
    assert "takes one scale, and this run has 2 and 3" in several.output


def test_the_schema_holds_components_that_take_others(install: Install, srkit: Srkit) -> None:
    body = """
        def __init__(self, base: Upsampler | None = None, how: Callable = None):
            pass
    """
    code = component("upsampler", "Upsampler", dedent(body) + CALL + "    return image")
    install(
        "odd-component",
        "odd_component",
        "from collections.abc import Callable\n" + code.replace("from __future__ import annotations", ""),
    )
    nested = component(
        "upsampler",
        "Upsampler",
        "def __init__(self, base: Upsampler | None = None): pass\n" + CALL + "    return image",
    )
    install("nested", "nested", nested.replace('"odd"', '"nested"').replace("odd_component", "nested"))
    done = srkit("schema")
    assert done.exit_code == 0, done.output
    options = json.loads(done.stdout)["$defs"]["upsampler"]["anyOf"]
    (found,) = (option for option in options if option.get("title") == "nested")
    assert {"$ref": "#/$defs/upsampler"} in found["properties"]["base"]["anyOf"]


def test_strict_mode_ends_with_an_error_where_check_finds_a_problem(
    install: Install, srkit: Srkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(
        "odd-component",
        "odd_component",
        component("upsampler", "Upsampler", "def __init__(self, x): pass\n" + CALL + "    return image"),
    )
    assert srkit("list-plugins", "--check").exit_code == 0
    assert "'x' has no type hint" in srkit("list-plugins", "--check").output
    monkeypatch.setenv("SRKIT_STRICT_PLUGINS", "1")
    assert srkit("list-plugins", "--check").exit_code == 1


def test_strict_mode_is_a_plain_message_for_every_command(
    install: Install, srkit: Srkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("import-error", "import_error", "import not_there_at_all")
    monkeypatch.setenv("SRKIT_STRICT_PLUGINS", "1")
    for command in (["--help"], ["list-plugins"], ["show", "metric", "psnr"]):
        done = srkit(*command)
        assert done.exit_code == 2
        assert "import-error 1.0" in done.output
