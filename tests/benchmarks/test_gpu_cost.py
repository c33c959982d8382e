"""What is read off an optimised program, against numbers worked out by hand."""

import importlib.util

import pytest

from benchmarks.gpu_cost import BYTES_PER_SECOND, FLOP_PER_SECOND, LAUNCH_SECONDS, cost
from benchmarks.h200 import device
from jaxsparse.errors import InputError

PROGRAM = """
HloModule jit_f, is_scheduled=true

%step (p: (s32[], f32[1000])) -> (s32[], f32[1000]) {{
  %p = (s32[], f32[1000]{{0}}) parameter(0)
  %n = s32[] get-tuple-element(%p), index=0
  %v = f32[1000]{{0}} get-tuple-element(%p), index=1
  %next = f32[1000]{{0}} negate(%v), metadata={{op_name="f(x)"}}
  ROOT %t = (s32[], f32[1000]{{0}}) tuple(%n, %next)
}}

%fused_dot (a: bf16[64,32], b: bf16[32,16]) -> f32[64,16] {{
  %a = bf16[64,32]{{1,0}} parameter(0)
  %b = bf16[32,16]{{1,0}} parameter(1)
  ROOT %d = f32[64,16]{{1,0}} dot(%a, %b), lhs_contracting_dims={{1}}, rhs_contracting_dims={{0}}
}}

%fused_gather (table: f32[100000], rows: s32[10]) -> f32[10] {{
  %table = f32[100000]{{0}} parameter(0)
  %rows = s32[10]{{0}} parameter(1)
  ROOT %g = f32[10]{{0}} gather(%table, %rows), offset_dims={{}}
}}

ENTRY %main (x: (s32[], f32[1000]), a: bf16[64,32], b: bf16[32,16]) -> f32[64,16] {{
  %x = (s32[], f32[1000]{{0}}) parameter(0)
  %loop = (s32[], f32[1000]{{0}}) while(%x), condition=%c, body=%step{trips}
  %a = bf16[64,32]{{1,0}} parameter(1)
  %b = bf16[32,16]{{1,0}} parameter(2)
  ROOT %dot = f32[64,16]{{1,0}} fusion(%a, %b), kind=kCustom, calls=%fused_dot
}}
"""


def test_kernels_of_a_loop_count_as_often_as_it_runs():
    known = cost(PROGRAM.format(trips=', backend_config={"known_trip_count":{"n":"7"}}'))
    assert (known.kernels, known.waits) == (7 + 1, 0)
    negate = LAUNCH_SECONDS + 2 * 4 * 1000 / BYTES_PER_SECOND
    traffic = (2 * 64 * 32 + 2 * 32 * 16 + 4 * 64 * 16) / BYTES_PER_SECOND
    product = 2 * 64 * 32 * 16 / FLOP_PER_SECOND["bf16"]
    assert known.seconds == pytest.approx(7 * negate + LAUNCH_SECONDS + max(traffic, product))


def test_a_loop_whose_length_is_data_asks_the_host():
    assert cost(PROGRAM.format(trips="")).waits == 1


def test_a_gather_reads_the_rows_that_it_writes_and_not_all():
    gather = "%dot = f32[10]{{0}} fusion(%table, %rows), kind=kLoop, calls=%fused_gather"
    entry = """
ENTRY %main (table: f32[100000], rows: s32[10]) -> f32[10] {{
  %table = f32[100000]{{0}} parameter(0)
  %rows = s32[10]{{0}} parameter(1)
  ROOT """
    program = (PROGRAM.split("ENTRY")[0] + entry + gather + "\n}}").format()
    assert cost(program).seconds == pytest.approx(LAUNCH_SECONDS + 3 * 40 / BYTES_PER_SECOND)


CHOICE = """
%kept (k: (f32[1000])) -> f32[1000] {{
  %k = (f32[1000]{{0}}) parameter(0)
  ROOT %v = f32[1000]{{0}} get-tuple-element(%k), index=0
}}

%again (l: (f32[1000])) -> f32[1000] {{
  %l = (f32[1000]{{0}}) parameter(0)
  %u = f32[1000]{{0}} get-tuple-element(%l), index=0
  ROOT %m = f32[1000]{{0}} {way}
}}

ENTRY %main (p: pred[], t: (f32[1000])) -> f32[1000] {{
  %p = pred[] parameter(0)
  %t = (f32[1000]{{0}}) parameter(1)
  ROOT %c = f32[1000]{{0}} conditional(%p, %t, %t), true_computation=%kept, false_computation=%again
}}
"""


def test_a_choice_costs_the_cheaper_way_and_choosing():
    choice = cost(CHOICE.format(way="negate(%u)"))
    assert choice == (1, pytest.approx(2 * LAUNCH_SECONDS), 0)


def test_the_host_chooses_where_a_way_has_a_loop():
    loop = PROGRAM.split("%fused_dot")[0] + CHOICE
    program = loop.format(way="while(%u), condition=%c, body=%step")
    assert cost(program).waits == 1


@pytest.mark.skipif(bool(importlib.util.find_spec("jax_plugins")), reason="the wheels are there")
def test_without_the_compiler_for_cuda_a_line_says_what_to_install():
    with pytest.raises(InputError, match="install the wheels"):
        device()
