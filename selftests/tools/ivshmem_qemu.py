# SPDX-License-Identifier: GPL-2.0
"""A stock QEMU with an ivshmem-doorbell device, and what its guest's driver does with it.

The guest does not run: QEMU's monitor makes its port accesses, and the stub for debuggers those to
memory, be that RAM or a device.
"""

import os
import re
import socket
import subprocess
import time

from ivshmem_client import DEADLINE

CONFIG_ADDRESS, CONFIG_DATA = 0xCF8, 0xCFC
REGISTERS, TABLE, MEMORY = 0xFE000000, 0xFE001000, 0xFD000000
MESSAGES = 0x100000  # in RAM: where the MSI of vector n writes its data, 4 bytes each


class Link:
    """A socket that QEMU connects to."""

    def __init__(self, path):
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.listener.settimeout(DEADLINE)

    def accept(self):
        self.socket = self.listener.accept()[0]
        self.socket.settimeout(DEADLINE)
        os.unlink(self.path)

    def until(self, pattern):
        """What comes up to the first match, and the match."""
        text = b""
        while not (match := re.search(pattern, text)):
            part = self.socket.recv(4096)
            assert part, "QEMU has ended"
            text += part
        return match


class Machine:
    """Its MSI-X messages go to RAM, where they can be seen."""

    def __init__(self, path, vectors):
        self.vectors = vectors
        self.monitor, self.stub = Link(path + ".monitor"), Link(path + ".stub")
        self.process = subprocess.Popen([
            "qemu-system-x86_64", "-S", "-accel", "tcg", "-machine", "pc", "-m", "16", "-nodefaults",
            "-no-user-config", "-display", "none", "-monitor", f"unix:{self.monitor.path}",
            "-gdb", f"unix:{self.stub.path}", "-chardev", f"socket,id=server,path={path}",
            "-device", f"ivshmem-doorbell,vectors={vectors},chardev=server"])
        self.monitor.accept()
        self.monitor.until(rb"\(qemu\) $")
        self.stub.accept()
        assert self._debug("Qqemu.PhyMemMode:1") == "OK"
        self._set_up()

    def _debug(self, packet):
        """A packet of the debuggers' protocol: the answer."""
        self.stub.socket.sendall(b"$%s#%02x" % (packet.encode(), sum(packet.encode()) & 0xFF))
        answer = self.stub.until(rb"\$([^#]*)#..").group(1).decode()
        self.stub.socket.sendall(b"+")
        return answer

    def read(self, address):
        return int.from_bytes(bytes.fromhex(self._debug(f"m{address:x},4")), "little")

    def write(self, address, value):
        assert self._debug(f"M{address:x},4:{value.to_bytes(4, 'little').hex()}") == "OK"

    def _ask(self, command):
        self.monitor.socket.sendall(command.encode() + b"\n")
        return self.monitor.until(rb"\n([^\n]*)\r\n\(qemu\) $|\n\(qemu\) $").group(1)

    def _config(self, offset, value=None):
        self._ask(f"o /w {CONFIG_ADDRESS:#x} {self.device | offset:#x}")
        if value is None:
            return int(self._ask(f"i /w {CONFIG_DATA:#x}").split()[-1], 16)
        return self._ask(f"o /w {CONFIG_DATA:#x} {value:#x}")

    def _find(self):
        for slot in range(32):
            self.device = 1 << 31 | slot << 11
            if self._config(0) == 0x11101AF4:
                return
        raise AssertionError("no ivshmem device")

    def _set_up(self):
        self._find()
        for offset, value in (0x10, REGISTERS), (0x14, TABLE), (0x18, MEMORY), (0x1C, 0), (0x04, 6):
            self._config(offset, value)
        for vector in range(self.vectors):
            for n, value in enumerate((MESSAGES + 4 * vector, 0, 0, 0)):
                self.write(TABLE + 16 * vector + 4 * n, value)
        capability = self._config(0x34) & 0xFF
        while self._config(capability) & 0xFF != 0x11:
            capability = self._config(capability) >> 8 & 0xFF
        self._config(capability, self._config(capability) | 1 << 31)

    def id(self):
        return self.read(REGISTERS + 8)

    def ring(self, number, vector):
        self.write(REGISTERS + 12, number << 16 | vector)

    def expect(self, vector):
        """Give the vector's message a new content: where it will be, and what."""
        where = MESSAGES + 4 * vector
        value = self.read(where) + 1
        self.write(TABLE + 16 * vector + 8, value)
        return where, value

    def has(self, expected):
        where, value = expected
        return self.read(where) == value

    def wait(self, expected):
        end = time.monotonic() + DEADLINE
        while not self.has(expected):
            assert time.monotonic() < end, "no interrupt"
            time.sleep(0.01)

    def kill(self):
        self.process.kill()
        self.process.wait()
