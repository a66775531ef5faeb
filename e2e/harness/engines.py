"""Real engines, and a mirror with the providers that the configurations use."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent

VERSIONS = ["1.0.3", "1.8.4", "1.12.2", "1.15.5"]
NEWEST = "1.15.5"

# The null provider behind a gate: it starts once the test that listens on GATE lets it.
GATED_PROVIDER = """\
#!/bin/bash
if [ -n "$GATE" ]; then
  exec 3<>"/dev/tcp/127.0.0.1/$GATE" && read -r -u 3
  exec 3>&-
fi
exec "$(dirname "$(readlink -f "$0")")/null" "$@"
"""


@cache
def terraform(version: str) -> Path:
    return _install("terraform", version)


def provider_mirror(folder: Path) -> Path:
    """A filesystem mirror with hashicorp/null and with the gated copy of it."""
    mirror = folder / "mirror"
    shutil.copytree(_install("null-provider"), mirror)
    (null,) = mirror.glob("registry.terraform.io/hashicorp/null/*/*/terraform-provider-null_*")
    gated = mirror / "registry.terraform.io/statehouse/gated/1.0.0/linux_amd64"
    gated.mkdir(parents=True)
    os.link(null, gated / "null")
    script = gated / "terraform-provider-gated_v1.0.0"
    script.write_text(GATED_PROVIDER)
    script.chmod(0o755)
    _drifting(mirror)
    return mirror


def _drifting(mirror: Path) -> None:
    """The provider of `drifting.py`, with the packages that it needs."""
    import grpc

    folder = mirror / "registry.terraform.io/statehouse/drifting/1.0.0/linux_amd64"
    folder.mkdir(parents=True)
    packages = Path(grpc.__file__).parent.parent
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(
        packages / "grpc", folder / "packages/grpc", ignore=ignored, copy_function=os.link
    )
    shutil.copy(packages / "typing_extensions.py", folder / "packages")
    text = (Path(__file__).parent / "drifting.py").read_text()
    script = folder / "terraform-provider-drifting_v1.0.0"
    script.write_text(text.replace("{python}", os.path.realpath(sys.executable), 1))
    script.chmod(0o755)


def mirror_config(mirror: Path) -> str:
    """The part of a CLI configuration that takes all providers from the mirror."""
    return f'provider_installation {{\n  filesystem_mirror {{ path = "{mirror}" }}\n}}\n'


def _install(*what: str) -> Path:
    script = PROJECT / "scripts" / "install-engine"
    done = subprocess.run([sys.executable, script, *what], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())
