"""Doubles of services that answer as documented, inside the tests of a crate, which `cargo test --workspace` runs in part."""

import os
import re
import subprocess


def double(result, vault, variables):
    """Runs the tests in the executables that these variables name, and counts them."""
    for tests in [os.environ[variable] for variable in variables]:
        done = subprocess.run([tests, "--show-output"], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for case in re.findall(r"^(?:passed   (\S+)|test (\S+) \.\.\. ok)$", done.stdout, re.M):
            result(vault, "".join(case), True)
        is_right = done.returncode == 0 and re.search(r"^test result: ok\. [1-9]", done.stdout, re.M)
        result(vault, os.path.basename(tests), is_right, done.stdout[-3000:])
