"""The vault in a file. Called by check.py."""

import os
import subprocess

from checks import command, of, result, test
from product import Product


def check(sealpost, folder):
    vault = "file vault"
    for name in ["the_file_vault_passes_the_suite", "the_file_vault_passes_the_suite_on_one_thread_with_a_tiny_cache"]:
        test(vault, os.environ["FILE_TESTS"], f"keeping::{name}", {}, choice=())
    # The first start creates it.
    product(of("product on the file vault"), sealpost, folder)
    path = os.path.join(folder, "product.toml")
    refused = subprocess.run([sealpost, "vault", "policy", "--config", path], text=True, capture_output=True)
    result(vault, "a file has no policy", refused.returncode == 2 and "no policy" in refused.stderr, refused.stdout + refused.stderr)
    command(vault, sealpost, path, "delete")


def product(result, sealpost, folder):
    """From the request to the file and back."""
    product = Product(sealpost, folder, 'path = "vault"', "embedded")
    try:
        product.works(result, "prod/db")
        product.is_silent(result, [])
    finally:
        product.stop()
