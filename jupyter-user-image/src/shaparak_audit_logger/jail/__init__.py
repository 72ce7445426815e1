"""A jail of its own for every kernel: what a cell runs in reaches neither its server nor other kernels.

`provisioner` starts kernels, `command` says what a jail shows, `seccomp` which system calls it has, `folders` where a
kernel's things are, `relay` what connects its sensor with the intake, and `settings` whether there is a jail at all.
"""
