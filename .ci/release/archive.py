"""Zip archives that come out the same, byte for byte, from the same files.
Order, times and modes are fixed; nothing of the machine goes in."""

import io
import time
import zipfile

UNIX = 3
REGULAR = 0o100000


def packed(files, moment):
    """An archive of files, each a name with its bytes and its mode."""
    out = io.BytesIO()
    # A zip knows no time before 1980.
    when = time.gmtime(max(moment, 315532800))[:6]
    with zipfile.ZipFile(out, "w") as zipped:
        for name, (data, mode) in sorted(files.items()):
            entry = zipfile.ZipInfo(name, when)
            entry.create_system = UNIX
            entry.external_attr = (REGULAR | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(entry, data, compresslevel=9)
    return out.getvalue()
