"""The library as README shows it: the snippet at the root of a new crate, with each of the two dependency lines."""

import os
import shutil
import subprocess

from pages import blocks

PACKAGE = '[package]\nname = "try-it"\nversion = "0.1.0"\nedition = "2024"\n\n'
SECONDS = 600


def run(checks, folder, root, binary):
    page = blocks(root / "README.md")
    [snippet] = [block.text for block in page if block.info == "rust"]
    lines = [block.text for block in page if block.info == "toml" and "[dependencies]" in block.text]
    checks.that("README.md: two dependency lines", len(lines) == 2, lines)
    # Where the line says that the clone is: beside the crate.
    folder.mkdir()
    (folder / "sealpost").symlink_to(root)
    on_a_host = snippet.replace("RustCrypto as Backend", "AwsLc as Backend")
    for name, line, code in (("pure Rust", lines[0], snippet), ("on a host", lines[1], on_a_host)):
        crate = folder / name.replace(" ", "-")
        (crate / "src").mkdir(parents=True)
        (crate / "Cargo.toml").write_text(PACKAGE + line)
        (crate / "src/main.rs").write_text(code)
        # The versions that this repository is tested with; those that are not needed are left out by cargo.
        shutil.copy(root / "Cargo.lock", crate)
        shutil.copytree(root / "crates/envelope/examples/berlin-1", crate / "examples/berlin-1")
        environment = {**os.environ, "CARGO_TARGET_DIR": str(binary.parent.parent / "newcomer"), "CARGO_TERM_COLOR": "never"}
        done = subprocess.run(
            ["cargo", "run", "--offline"], cwd=crate, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=SECONDS,
        )
        said = done.stdout + done.stderr
        good = done.returncode == 0 and done.stdout.endswith("opened: exactly what was sealed\n")
        checks.that(f"README.md: the snippet as src/main.rs, {name}", good, said)
