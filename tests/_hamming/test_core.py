"""Check the C headers: includes, and where names of compilers occur."""

import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "skhash" / "_hamming" / "core"
HEADERS = sorted(path.name for path in CORE.glob("*.h"))
X86 = {"kernel_avx2.h", "kernel_avx512.h", "kernel_avx512f.h", "kernel_popcnt.h"}
ARM = {"kernel_neon.h"}
OTHERS = ARM if platform.machine() in ("x86_64", "AMD64") else X86

pytestmark = pytest.mark.skipif(not HEADERS, reason="needs a checkout of the sources")


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
@pytest.mark.parametrize("header", sorted(set(HEADERS) - OTHERS))
def test_header_compiles_alone(header, tmp_path):
    source = tmp_path / "alone.c"
    source.write_text(f'#include "{header}"\n#include "{header}"\nint x;\n')
    command = ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    command += ["-Wno-unused-function", "-Wno-unused-const-variable"]
    command += ["-Wno-unused-variable", f"-I{CORE}", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("header", sorted(set(HEADERS) - {"compiler.h"}))
def test_names_of_compilers_have_one_place(header):
    text = (CORE / header).read_text()
    assert not re.findall(r"__builtin_\w+|__attribute__|#pragma|_Pragma", text)


def test_interface_does_not_know_the_kernels():
    text = (CORE / "kernel.h").read_text()
    assert "KERNELS" not in text
    assert not re.search(r'#include "kernel_', text)
