"""What the rules find in the shipped specs: true findings only, each with its reason."""

from __future__ import annotations

from pathlib import Path

from cnnkit import rules
from cnnkit.analysis import analyze
from cnnkit.checking import Request, run
from cnnkit.spec.reading import read

SPECS = Path(__file__).parents[2] / "specs"
DEFAULT = [name for name in rules.LEVELS if name not in rules.OFF_BY_DEFAULT]

# The lecture teaches the sizes of convolutions, and leaves activations for later.
SIZES_ONLY = ("missing-nonlinearity",)
# 4,096 units on a flattened map of 7x7x512 hold about three quarters of all weights.
HEAVY = ("large-dense",)
# torchvision keeps the biases of VGG when it adds norms, Keras those of its ResNets.
BIASED = ("redundant-bias",)

TRUE: dict[str, tuple[str, ...]] = {
    "lectures/dense-mri-3d": ("large-dense",),  # 168 million: the lesson of the lecture
    "lectures/rgb-same": SIZES_ONLY,
    "lectures/rgb-valid": SIZES_ONLY,
    "lectures/rgb-valid-4-classes": (*SIZES_ONLY, "small-receptive-field"),  # 25 of 32
    "lectures/signal-same": SIZES_ONLY,
    "lectures/signal-valid": SIZES_ONLY,
    "zoo/alexnet": HEAVY,
    "zoo/crnn": BIASED,  # the paper's convolutions have biases, before norms too
    # Its head drops cells before a conv and its norm, as torchvision's; the wide dilations of the
    # pyramid read mostly padding on 65x65.
    "zoo/deeplab-v3-resnet-50": ("dropout-before-batch-norm", "mostly-padding"),
    # Rajpurkar's network: `same` kernels of 16, whose centre a max-pooled shortcut does not
    # share; dropout before each batch norm; 2,566 of 4,096 samples seen.
    "zoo/ecg-resnet": (
        "dropout-before-batch-norm",
        "even-kernel-same",
        "misaligned-branches",
        "small-receptive-field",
    ),
    # 33 cells become 65: of the two scales that are added neither stride is whole.
    "zoo/lraspp-mobilenet-v3-large": ("misaligned-branches",),
    # 16 frames stand where many put a batch; and in time MC3 looks at 11 of them.
    "zoo/nfnet-f0": ("misaligned-branches",),  # a mean pool beside a conv of 3 at stride 2
    "zoo/mc3-18": ("misordered-input", "small-receptive-field"),
    "zoo/r2plus1d-18": ("misordered-input",),
    "zoo/resnet-101-keras": BIASED,
    "zoo/resnet-152-keras": BIASED,
    "zoo/resnet-50-keras": BIASED,
    # 224 does not fit the stem, and the last fire modules see 155, and 207, of it.
    "zoo/squeezenet-1.0": ("small-receptive-field", "unread-border"),
    "zoo/s3d": ("misordered-input",),
    "zoo/ssd300-vgg-16": ("mostly-padding",),  # a window of 3 on the last map, which is 1x1
    "zoo/squeezenet-1.1": ("small-receptive-field", "unread-border"),
    "zoo/u-net-3d": BIASED,  # the paper does not say, and its number of weights has them
    "zoo/u-net-3d-encoder": BIASED,
    "zoo/u-net-padded": ("dropout-before-batch-norm",),  # the paper's dropout, a later norm
    "zoo/vgg-11": HEAVY,
    "zoo/vgg-11-bn": (*HEAVY, *BIASED),
    "zoo/vgg-13": HEAVY,
    "zoo/vgg-13-bn": (*HEAVY, *BIASED),
    "zoo/vgg-16": HEAVY,
    "zoo/vgg-16-bn": (*HEAVY, *BIASED),
    "zoo/vgg-19": HEAVY,
    "zoo/vgg-19-bn": (*HEAVY, *BIASED),
}


def test_the_lectures_give_no_warnings() -> None:
    """What they show on purpose, each says in its own `rules:` or `expect:`."""
    results = run(Request((str(SPECS / "lectures"),)))
    assert len(results) == len(list((SPECS / "lectures").glob("*.yaml")))
    findings = [finding for result in results for finding in result.findings]
    assert {finding.level for finding in findings} <= {"info"}


def found() -> dict[str, tuple[str, ...]]:
    """The rules that find something in each shipped spec, but for what it shows on purpose."""
    table = {}
    for path in sorted(SPECS.rglob("*.yaml")):
        spec = read(path).spec
        assert spec is not None, path
        analysis = analyze(spec)
        findings = rules.settle(spec, [*analysis.findings, *rules.applied(analysis, DEFAULT)])
        if names := sorted({finding.rule for finding in findings}):
            table[str(path.relative_to(SPECS).with_suffix(""))] = tuple(names)
    return table


def test_the_shipped_specs_have_true_findings_only() -> None:
    assert found() == TRUE
