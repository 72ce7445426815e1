"""The system calls that code in a kernel's jail does not have, as a filter for `bwrap --seccomp`.

bubblewrap's namespaces bound what a process can see; this bounds what it can ask of the operating system beyond what
analysis needs. Without it a cell can attach to the jail's first process with ptrace and stop it: that process then
reaps nothing, and a kernel that died looks busy for ever.

Refused calls answer EPERM, so that programs go on without them. `clone3` answers ENOSYS, because its flags lie in
memory where no filter can look: the C library then uses `clone`, whose flags are checked. Network sockets are not
refused: there is no network in the jail, and ZeroMQ aborts when it cannot even ask.
"""

import platform
import struct
from dataclasses import dataclass

ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
ERRNO = 0x00050000
EPERM, ENOSYS = 1, 38
# clone's flags for a new namespace: mount, cgroup, uts, ipc, user, pid, network
CLONE_NEW = 0x7E020000
CLONE3 = 435  # the same on every architecture, as all numbers from 424 on

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER_OFFSET, ARCHITECTURE_OFFSET, FIRST_ARGUMENT_OFFSET = 0, 4, 16

# open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr, io_uring_*, pidfd_open, pidfd_getfd,
# quotactl_fd
COMMON = (428, 429, 430, 431, 432, 433, 442, 425, 426, 427, 434, 438, 443)
# Both lists in the same order: ptrace, process_vm_readv, process_vm_writev, kcmp; unshare, setns, mount, umount2,
# chroot, pivot_root; add_key, request_key, keyctl; bpf, perf_event_open, userfaultfd; open_by_handle_at,
# name_to_handle_at; init_module, delete_module, finit_module, kexec_load, kexec_file_load, reboot; acct, swapon,
# swapoff, quotactl, settimeofday, clock_settime, syslog
X86_64 = (
    *(101, 310, 311, 312, 272, 308, 165, 166, 161, 155, 248, 249, 250, 321, 298, 323, 304, 303),
    *(175, 176, 313, 246, 320, 169, 163, 167, 168, 179, 164, 227, 103),
)
AARCH64 = (
    *(117, 270, 271, 272, 97, 268, 40, 39, 51, 41, 217, 218, 219, 280, 241, 282, 265, 264),
    *(105, 106, 273, 104, 294, 142, 89, 224, 225, 60, 170, 112, 116),
)


@dataclass(frozen=True)
class Architecture:
    """What differs from one processor family to the next; `highest` is where another numbering begins."""

    audit: int
    clone: int
    refused: tuple[int, ...]
    highest: int | None


ARCHITECTURES = {
    # calls from 0x40000000 on are those of x32, a second set with numbers of its own
    "x86_64": Architecture(0xC000003E, 56, X86_64, 0x40000000),
    "aarch64": Architecture(0xC00000B7, 220, AARCH64, None),
}


def kernel_filter(machine: str | None = None) -> bytes | None:
    """The filter as bytes, or None for an architecture that we have no numbers for."""
    architecture = ARCHITECTURES.get(machine or platform.machine())
    if architecture is None:
        return None
    refuse = _step(RETURN, ERRNO | EPERM)
    program = [
        _step(LOAD, ARCHITECTURE_OFFSET),
        _step(JUMP_EQUAL, architecture.audit, 1, 0),
        _step(RETURN, KILL_PROCESS),
        _step(LOAD, NUMBER_OFFSET),
    ]
    if architecture.highest is not None:
        program += [_step(JUMP_AT_LEAST, architecture.highest, 0, 1), refuse]
    for number in (*architecture.refused, *COMMON):
        program += [_step(JUMP_EQUAL, number, 0, 1), refuse]
    program += [
        _step(JUMP_EQUAL, CLONE3, 0, 1),
        _step(RETURN, ERRNO | ENOSYS),
        _step(JUMP_EQUAL, architecture.clone, 0, 3),
        _step(LOAD, FIRST_ARGUMENT_OFFSET),
        _step(JUMP_ANY_BIT, CLONE_NEW, 0, 1),
        refuse,
        _step(RETURN, ALLOW),
    ]
    return b"".join(program)


def _step(code: int, value: int, when_true: int = 0, when_false: int = 0) -> bytes:
    """One instruction of the classic packet filter (struct sock_filter)."""
    return struct.pack("=HBBI", code, when_true, when_false, value)
