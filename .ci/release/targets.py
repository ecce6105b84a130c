"""The platforms of a release, in the registries' words and in Rust's, and what each one's programs may need.
One row per platform; what cannot be built stands here too, with its reason."""

import dataclasses
import os
import platform
import sys

from facts import Refused


@dataclasses.dataclass(frozen=True)
class Target:
    triple: str
    # What the programs load when they start; nothing at all when it is empty.
    needs: tuple = ()

    @property
    def suffix(self):
        return ".exe" if "windows" in self.triple else ""


# Parts of Windows itself since 10.
WINDOWS = (
    "advapi32.dll", "api-ms-win-", "bcrypt.dll", "bcryptprimitives.dll", "crypt32.dll", "kernel32.dll", "kernelbase.dll",
    "msvcrt.dll", "ncrypt.dll", "ntdll.dll", "secur32.dll", "shell32.dll", "user32.dll", "userenv.dll", "ws2_32.dll",
)  # fmt: skip
# Parts of the base system.
FREEBSD = ("libc.so.", "libdl.so.", "libexecinfo.so.", "libgcc_s.so.", "libkvm.so.", "libm.so.", "libmemstat.so.",
           "libprocstat.so.", "libdevstat.so.", "libpthread.so.", "librt.so.", "libthr.so.", "libutil.so.")  # fmt: skip
DARWIN = ("/System/Library/", "/usr/lib/")

TARGETS = {
    "darwin_amd64": Target("x86_64-apple-darwin", DARWIN),
    "darwin_arm64": Target("aarch64-apple-darwin", DARWIN),
    "freebsd_amd64": Target("x86_64-unknown-freebsd", FREEBSD),
    "linux_amd64": Target("x86_64-unknown-linux-musl"),
    "linux_arm64": Target("aarch64-unknown-linux-musl"),
    "windows_amd64": Target("x86_64-pc-windows-gnu", WINDOWS),
    "windows_arm64": Target("aarch64-pc-windows-gnullvm", WINDOWS),
}

NOT_BUILT = {
    "freebsd_arm64": "Rust has no ready standard library for aarch64-unknown-freebsd",
}


def here():
    """This machine's platform."""
    system = {"darwin": "darwin", "linux": "linux", "win32": "windows"}.get(sys.platform, sys.platform.rstrip("0123456789"))
    machine = platform.machine().lower()
    return f"{system}_{ {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(machine, machine) }"


def apple_kit():
    """Whether Apple's frameworks are at hand; their licence keeps them out of every tool that crosses over."""
    return sys.platform == "darwin" or bool(os.environ.get("SDKROOT"))


def why_not(name):
    """Why a platform cannot be built on this machine, or None."""
    if name in NOT_BUILT:
        return NOT_BUILT[name]
    if name not in TARGETS:
        return f"it is none of {', '.join(TARGETS)}"
    if name.startswith("darwin") and not apple_kit():
        return "it links Apple's frameworks; build it on macOS, or name an SDK in SDKROOT"
    return None


def chosen(names):
    """The platforms to build: those that are named, all that can be built here, or this machine's own."""
    if names == ["all"]:
        return [name for name in TARGETS if not why_not(name)], {n: w for n in [*TARGETS, *NOT_BUILT] if (w := why_not(n))}
    names = names or [here()]
    for name in names:
        if reason := why_not(name):
            raise Refused(f"{name} cannot be built here: {reason}")
    return sorted(set(names)), {}
