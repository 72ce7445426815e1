"""The filter of system calls, run as the operating system would. The real one is asked in hub/tests."""

import struct
from dataclasses import dataclass

import pytest

from shaparak_audit_logger.jail import seccomp
from shaparak_audit_logger.jail.seccomp import ALLOW, ARCHITECTURES, EPERM, ERRNO, KILL_PROCESS, kernel_filter

REFUSED = ERRNO | EPERM
NO_SUCH_CALL = ERRNO | seccomp.ENOSYS


@dataclass
class Call:
    machine: str
    number: int
    first: int = 0
    audit: int | None = None


def verdict(call: Call) -> int:
    """Run the filter over one call."""
    audit = ARCHITECTURES[call.machine].audit if call.audit is None else call.audit
    data = struct.pack("=IIQQ", call.number, audit, 0, call.first)
    program = list(struct.iter_unpack("=HBBI", kernel_filter(call.machine) or b""))
    at, value = 0, 0
    while True:
        code, when_true, when_false, operand = program[at]
        at += 1
        if code == seccomp.RETURN:
            return operand
        if code == seccomp.LOAD:
            (value,) = struct.unpack_from("=I", data, operand)
            continue
        holds = {
            seccomp.JUMP_EQUAL: value == operand,
            seccomp.JUMP_AT_LEAST: value >= operand,
            seccomp.JUMP_ANY_BIT: bool(value & operand),
        }[code]
        at += when_true if holds else when_false


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_refused_calls_answer_and_others_pass(machine: str) -> None:
    architecture = ARCHITECTURES[machine]
    refused = {*architecture.refused, *seccomp.COMMON}
    assert len(refused) == len(architecture.refused) + len(seccomp.COMMON), "a number stands twice"
    for number in range(500):
        expected = REFUSED if number in refused else NO_SUCH_CALL if number == seccomp.CLONE3 else ALLOW
        assert verdict(Call(machine, number)) == expected, number


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_a_process_may_be_made_and_a_namespace_not(machine: str) -> None:
    clone = ARCHITECTURES[machine].clone
    threads_and_forks = (0x3D0F00, 0x1200011)
    for flags in threads_and_forks:
        assert verdict(Call(machine, clone, flags)) == ALLOW
    for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        assert verdict(Call(machine, clone, flag | 17)) == REFUSED


def test_other_numberings_are_no_way_around() -> None:
    assert verdict(Call("x86_64", 0x40000000 + 101)) == REFUSED, "ptrace of x32"
    assert verdict(Call("x86_64", 1, audit=0x40000003)) == KILL_PROCESS, "a call of i386"


def test_there_is_no_filter_for_a_machine_that_nobody_looked_at() -> None:
    assert kernel_filter("riscv64") is None
