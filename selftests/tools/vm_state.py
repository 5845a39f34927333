#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Save and restore a QEMU whose memory is a shared file, with what its guest has made at kvm_pvi.

vm_state.py save QMP PVICTL FILE - stop the guest, save its endpoint, which process PVICTL holds, and
                                   its devices, and end QEMU
vm_state.py load QMP FILE        - in a QEMU with -S -incoming defer: load the devices
vm_state.py go QMP PVICTL FILE   - restore the endpoint, and let the guest go on
vm_state.py migrate QMP TO SOCKET - to the QEMU with -incoming defer that listens at TO, by the socket
vm_state.py dump QMP FILE        - the guest with all its memory into a file, and end QEMU
vm_state.py undump QMP FILE      - in a QEMU with -incoming defer, where it goes on
"""

import ctypes
import json
import os
import socket
import sys
import time

from kvm_pvi import Endpoint

PIDFD_GETFD = 438


class Monitor:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = self.socket.makefile()
        self.lines.readline()
        self.tell("qmp_capabilities")

    def tell(self, command, **arguments):
        message = {"execute": command, "arguments": arguments}
        self.socket.sendall(json.dumps(message).encode())
        while True:
            answer = json.loads(self.lines.readline())
            if "error" in answer:
                sys.exit(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def migrate(self, command, uri):
        self.tell("migrate-set-capabilities",
                  capabilities=[{"capability": "x-ignore-shared", "state": True}])
        self.tell(command, uri=uri)
        self.await_migration(command)

    def await_migration(self, command):
        while True:
            status = self.tell("query-migrate").get("status")
            if status == "completed":
                return
            if status in ("failed", "cancelled"):
                sys.exit(f"{command}: {status}")
            time.sleep(0.1)


def endpoint_of(pid):
    directory = f"/proc/{pid}/fd"
    for fd in os.listdir(directory):
        if os.readlink(f"{directory}/{fd}") == "/dev/kvm_pvi":
            got = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, os.pidfd_open(pid),
                                                            int(fd), 0)
            if got < 0:
                sys.exit(f"pidfd_getfd: {os.strerror(ctypes.get_errno())}")
            return Endpoint(got)
    sys.exit(f"process {pid} has no endpoint")


def move(monitor, to, uri):
    """Where the machine is slow the guest is to stop for as long as it takes"""
    monitor.tell("migrate-set-parameters", **{"downtime-limit": 10000, "max-bandwidth": 1 << 40})
    if to:
        to.tell("migrate-incoming", uri=uri)
    monitor.tell("migrate", uri=uri)
    monitor.await_migration("migrate")


def main(verb, path, *args):
    monitor = Monitor(path)
    file = args[-1]
    if verb == "migrate":
        return move(monitor, Monitor(args[0]), f"unix:{file}")
    if verb == "dump":
        move(monitor, None, f"exec:cat >{file}")
        return monitor.tell("quit")
    if verb == "undump":
        monitor.tell("migrate-incoming", uri=f"exec:cat {file}")
        return monitor.await_migration("migrate-incoming")
    if verb == "save":
        monitor.tell("stop")
        with open(file + ".pvi", "wb") as out:
            out.write(endpoint_of(int(args[0])).get_state(freeze=True))
        monitor.migrate("migrate", f"exec:cat >{file}.devices")
        monitor.tell("quit")
    elif verb == "load":
        monitor.migrate("migrate-incoming", f"exec:cat {file}.devices")
    else:
        endpoint = endpoint_of(int(args[0]))
        with open(file + ".pvi", "rb") as saved:
            endpoint.set_state(saved.read())
        endpoint.thaw()
        monitor.tell("cont")


main(*sys.argv[1:])
