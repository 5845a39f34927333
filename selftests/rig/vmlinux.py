#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# vmlinux.py KERNEL-DIR - print the path of KERNEL-DIR/vmlinux, and make it of vmlinuz if it is missing. QEMU boots
# it by the PVH entry that Debian's kernels have; for a kernel without, that is the path of a link to vmlinuz. In an
# emulator more than half of a boot's instructions unpack the kernel: 12 s of processor time are 5 s without. Where
# the payload lies is in the header that the kernel's Documentation/arch/x86/boot.rst describes; behind it stands
# its length when unpacked.

"""Unpack the kernel in a bzImage."""

import lzma
import os
import struct
import subprocess
import sys

# The end of the head of an ELF note, and its owner: include/xen/interface/elfnote.h
PHYS32_ENTRY = struct.pack("<I", 18) + b"Xen\0"


# How a payload begins that is not xz's, and what unpacks it
UNPACKERS = {b"\x28\xb5\x2f\xfd": "zstd", b"\x02\x21\x4c\x18": "lz4"}


def unpack(image):
    """What the bzImage starts when it has unpacked itself."""
    sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (sectors + 1) * 512 + offset
    payload = image[start : start + length]
    (size,) = struct.unpack("<I", payload[-4:])
    if payload.startswith(b"\xfd7zXZ\0"):
        kernel = lzma.LZMADecompressor().decompress(payload)
    elif payload[:4] in UNPACKERS:
        kernel = subprocess.run(
            [UNPACKERS[payload[:4]], "-dcq"], input=payload[:-4], stdout=subprocess.PIPE, check=True
        ).stdout
    else:
        sys.exit(f"vmlinux.py: a payload that begins with {payload[:4].hex()} is not of xz, zstd or lz4")
    if len(kernel) != size or not kernel.startswith(b"\x7fELF"):
        sys.exit(f"vmlinux.py: {len(kernel)} bytes were unpacked, and no kernel of {size}")
    return kernel


def main():
    directory = sys.argv[1]
    path = os.path.join(directory, "vmlinux")
    if not os.path.exists(path):
        with open(os.path.join(directory, "vmlinuz"), "rb") as file:
            kernel = unpack(file.read())
        # Others may make it at the same time.
        whole = f"{path}.{os.getpid()}"
        if PHYS32_ENTRY in kernel:
            with open(whole, "wb") as file:
                file.write(kernel)
        else:
            os.symlink("vmlinuz", whole)
        os.rename(whole, path)
    print(path)


main()
