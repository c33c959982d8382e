"""What kernels take and give is the same on every processor, and changes with their version alone.

A program that was stored calls kernels by name (``compiler.ABI_VERSION``). Where a signature must
change: raise the version, and write down the new ones here, as those of new kernels.
"""

import hashlib

import pytest

from jaxsparse.ops.native import compiler

pytest.importorskip("llvmlite")

from llvmlite import ir

from jaxsparse.ops.native.arguments import Signature

VERSION = 4
SIGNATURES = {
    "jaxsparse_apply": "27b2a5bd",
    "jaxsparse_apply_by_input": "3abeb13f",
    "jaxsparse_weight_gradient": "fc674818",
    "jaxsparse_channelwise_apply": "883ec967",
    "jaxsparse_channelwise_weight_gradient": "4ecff86e",
    "jaxsparse_apply_bfloat16": "fa5a8323",
    "jaxsparse_apply_bfloat16_rounded": "8da81237",
    "jaxsparse_apply_by_input_bfloat16": "cfaf8f55",
    "jaxsparse_weight_gradient_bfloat16": "3026f3c7",
    "jaxsparse_channelwise_apply_bfloat16": "1f0072e8",
    "jaxsparse_channelwise_apply_bfloat16_rounded": "fb389db4",
    "jaxsparse_channelwise_weight_gradient_bfloat16": "490459c2",
    "jaxsparse_moments": "ccde0742",
    "jaxsparse_project": "47ba03dd",
    "jaxsparse_spread": "d479b4e8",
    "jaxsparse_moments_bfloat16": "11908e4e",
    "jaxsparse_project_bfloat16": "b3a1b817",
    "jaxsparse_spread_bfloat16": "ff88590c",
    "jaxsparse_neighbours": "acf252c6",
    "jaxsparse_halved_sites": "b4156a19",
    "jaxsparse_normalise": "693d403b",
    "jaxsparse_normalise_bfloat16": "ecb0049b",
}


def signatures(family, variant, monkeypatch):
    """Of the kernels of a family as a variant makes them: the beginning of a hash by name."""
    found = {}
    check = Signature.check

    def remember(signature, code, name, frame):
        found[name] = hashlib.sha256(repr(signature).encode()).hexdigest()[:8]
        return check(signature, code, name, frame)

    with monkeypatch.context() as patch:
        patch.setattr(Signature, "check", remember)
        compiler.add_kernels(family, ir.Module(), list(family), variant)
    return found


@pytest.mark.parametrize("family", compiler.FAMILIES, ids=lambda family: family[0])
def test_a_kernel_takes_the_same_on_every_processor_until_the_version_changes(family, monkeypatch):
    first, *others = (
        signatures(family, variant, monkeypatch) for variant in compiler.variants_of(family)
    )
    assert list(first) == list(family)
    assert all(other == first for other in others)
    assert first | {name: SIGNATURES[name] for name in family if name in SIGNATURES} == first
    assert compiler.ABI_VERSION == VERSION
