"""`srkit models`: the field's map, with strangers in it and in any terminal."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable

import pytest
from click.testing import Result

from tests.conftest import Install

Srkit = Callable[..., Result]

STRANGERS = """
    from torch import Tensor, nn
    from sr_core import Model, hookimpl

    class Tiny(Model):
        scales = frozenset({2, 3})

        def __init__(self, width: int = 4) -> None:
            super().__init__()
            self.layer = nn.Conv2d(1, width, 1)
            print("made")

        def forward(self, lr: Tensor, scale: float) -> Tensor:
            return self.layer(lr)

    class Stubborn(Tiny):
        def forward(self, lr: Tensor, scale: float) -> Tensor:
            return self.layer(lr) * lr.max().item()

    class Silent(Tiny):
        pass

    class Worded(Tiny):
        pass

    class Broken(Tiny):
        def __init__(self) -> None:
            raise SystemExit("not today")

    @hookimpl
    def srkit_register(registry):
        registry.model("silent", "strangers:Silent", summary="says nothing of itself")
        facts = {"year": 1999, "framework": "post", "scales": (2, 3)}
        made = {"Tiny": {}, "Tiny [wide]": {"width": 8}}
        older = {"year": 1990, "framework": "pre", "scales": (2, 3), "design": ("plain", "residual")}
        registry.model("tiny", "strangers:Tiny", summary="small", configurations=made, **facts)
        registry.model("stubborn", "strangers:Stubborn", summary="refuses meta", **facts)
        broken = {"Broken": {}, "Broken too": {}}
        registry.model("broken", "strangers:Broken", summary="cannot be built", configurations=broken, **facts)
        registry.model("older", "strangers:Tiny", summary="older", configurations={"Older": {"width": 2}}, **older)
        odd = {"Odd": {"width": object()}}
        registry.model("odd", "strangers:Tiny", summary="odd arguments", configurations=odd, **facts)
        registry.model("ghost", "nowhere_to_be_found:Mine", summary="not there", scales=(2,))
        registry.model("worded", "strangers:Worded", summary="scales in words", scales="2 and 3")
"""


@pytest.fixture
def strangers(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    """They alone are installed: counting is quick."""
    install("strangers", "strangers", STRANGERS)
    monkeypatch.setenv("SRKIT_DISABLE_PLUGINS", "srkit-cnn")


def rows(text: str) -> dict[str, list[str]]:
    """The cells of each row of the table, by the first."""
    cells = [[cell for cell in line.split("  ") if cell.strip()] for line in text.splitlines()]
    return {line[0].strip(): [cell.strip() for cell in line[1:]] for line in cells if line}


@pytest.mark.slow
def test_every_network_of_the_package_is_counted_and_a_row_tells_what_a_variant_is_and_costs(srkit: Srkit) -> None:
    done = srkit("models")
    assert done.exit_code == 0
    unknown = [name for name, row in rows(done.output).items() if "—" in row]
    assert unknown == ["Downscaler"], "the words for how a picture grows say nothing of what makes it smaller"
    fsrcnn = ["fsrcnn", "2016", "post", "transposed", "plain", "2 3 4", "12,809", "2.87 G"]
    assert rows(done.output)["FSRCNN"] == fsrcnn
    assert rows(done.output)["VDSR"][-2:] == ["665,921", "613 G"]
    assert max(map(len, done.output.splitlines())) <= 120


def test_one_scale_can_be_looked_at_and_one_framework(srkit: Srkit) -> None:
    found = rows(srkit("models", "--scale", "4", "--framework", "post").output)
    assert found["FSRCNN"][-1] == "0.718 G"
    assert "VDSR" not in found


@pytest.mark.usefixtures("strangers")
@pytest.mark.parametrize(
    ("key", "order"),
    [
        ("year", ["Older", "Tiny", "Tiny [wide]", "Stubborn"]),
        ("parameters", ["Older", "Tiny", "Stubborn", "Tiny [wide]"]),
        ("multiply-adds", ["Older", "Tiny", "Tiny [wide]", "Stubborn"]),
    ],
)
def test_rows_come_in_the_order_that_is_asked_for_and_unknown_figures_last(
    srkit: Srkit, key: str, order: list[str]
) -> None:
    variants = [v["variant"] for v in json.loads(srkit("models", "--json", "--sort", key).stdout)]
    assert [variant for variant in variants if variant in order] == order
    assert set(variants[-2:]) <= {"Silent", "Mine", "Worded", "Odd"}


@pytest.mark.usefixtures("strangers")
def test_json_has_every_figure_at_every_scale(srkit: Srkit) -> None:
    (variant,) = (v for v in json.loads(srkit("models", "--json").stdout) if v["variant"] == "Tiny [wide]")
    assert variant["component"] == "tiny"
    assert variant["distribution"] == "strangers"
    assert variant["facts"] == {"year": 1999, "framework": "post", "scales": [2, 3]}
    assert variant["arguments"] == {"width": 8}
    assert variant["trouble"] == ""
    pixels = {2: 640 * 360, 3: 427 * 240}  # of 1281 columns at ×3
    assert [(cost["scale"], cost["parameters"]) for cost in variant["costs"]] == [(2, 16), (3, 16)]
    for cost in variant["costs"]:
        assert cost["multiply_adds"] == pytest.approx(8 * pixels[cost["scale"]], rel=1e-3)


@pytest.mark.usefixtures("strangers")
def test_strangers_are_listed_with_what_is_known_of_them_and_their_faults_told_once(
    srkit: Srkit,
) -> None:
    done = srkit("models")
    assert done.exit_code == 0
    found = rows(done.stdout)
    assert found["Tiny [wide]"] == ["tiny", "1999", "post", "—", "—", "2 3", "16", "0.00184 G"]
    assert found["Stubborn"][-2:] == ["8", "—"]
    assert found["Odd"][-2:] == found["Mine"][-2:] == ["—", "—"]
    told = done.stderr.splitlines()
    for name, fault in {
        "stubborn": "not counted at ×2: ",
        "broken": "SystemExit: not today",
        "odd": "not counted: TypeError: ",
        "ghost": "cannot import nowhere_to_be_found:Mine",
        "worded": "scales must be a tuple of numbers, found '2 and 3'",
    }.items():
        (line,) = (line for line in told if f"model '{name}' of strangers 1.0" in line)
        assert fault in line
    assert not any("'silent'" in line for line in told)


@pytest.mark.usefixtures("strangers")
def test_what_a_stranger_prints_does_not_spoil_the_json(srkit: Srkit) -> None:
    listed = json.loads(srkit("models", "--json").stdout)
    assert {v["component"] for v in listed} >= {"silent", "tiny", "stubborn", "broken", "odd", "ghost"}


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_in_a_narrow_terminal_figures_stay_whole_and_nothing_is_wider(
    srkit: Srkit, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr("sr_core.commands.shared_options.PLAIN_WIDTH", width)
    text = srkit("models", "--framework", "pre").output
    assert max(map(len, text.splitlines())) <= width
    assert rows(text)["VDSR"][-2:] == ["665,921", "613 G"]
    assert ("interpolation" in text) == (width >= 100)
    assert ("residual" in text) == (width == 140)


@pytest.mark.usefixtures("strangers")
def test_a_caller_s_garbage_is_collected_as_before(srkit: Srkit) -> None:
    srkit("models")
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_help_never_loads_torch() -> None:
    code = "import sys; from sr_core.cli import main; main(['models', '--help'], standalone_mode=False); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_show_names_the_variants_and_list_plugins_has_them(srkit: Srkit) -> None:
    text = srkit("show", "model", "fsrcnn").output
    assert "  FSRCNN: its defaults\n  FSRCNN-s: d=32, s=5, m=1" in text
    assert "Variants" not in srkit("show", "model", "vdsr").output
    listed = json.loads(srkit("list-plugins", "--json", "--kind", "model").output)
    found = {c["name"]: c["configurations"] for d in listed["distributions"] for c in d["components"]}
    assert found["fsrcnn"] == {"FSRCNN": {}, "FSRCNN-s": {"d": 32, "s": 5, "m": 1}}
    assert found["vdsr"] == {}


@pytest.mark.usefixtures("strangers")
def test_a_stranger_s_odd_variant_does_not_break_the_listing(srkit: Srkit) -> None:
    listed = srkit("list-plugins", "--json")
    assert listed.exit_code == 0
    assert "object object at" in listed.output


def test_between_the_papers_scales_are_the_networks_for_any_scale(srkit: Srkit) -> None:
    done = srkit("models", "--scale", "2.5", "--json")
    names = {variant["component"] for variant in json.loads(done.output) if variant["distribution"] == "srkit-cnn"}
    assert {"meta", "meta_rdn", "meta_edsr", "liif"} <= names
    assert "edsr" not in names


@pytest.mark.parametrize(
    ("scale", "complaint"),
    [
        ("0.5", "no installed network has the scale 0.5"),
        ("0", "0"),
        ("nan", "expected a scale, as 2, 0.5 or 2x3 (vertical x horizontal), found 'nan'"),
        ("2x3", "the same on both axes, not 2x3"),
    ],
)
def test_a_scale_without_figures_is_a_plain_error(scale: str, complaint: str, srkit: Srkit) -> None:
    done = srkit("models", "--scale", scale)
    assert done.exit_code == 2
    assert complaint in " ".join(done.output.split())
    assert "Traceback" not in done.output
