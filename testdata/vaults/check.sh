#!/usr/bin/env bash
# Runs the conformance suite and more against real vault servers. The last line is "VAULT: N passed, 0 failed".
#
#   testdata/vaults/check.sh [file] [aws] [azure] [google] [dev] [raft]
#
# OpenBao, from PyPI: a development server with every fault; raft with TLS, AppRole and exactly the policies that
# `sealpost vault policy` prints, with which every other call is tried and must be refused; each method of authentication;
# `sealpost vault test`; a gateway that stores and resolves there while the server is killed.
#
# AWS Secrets Manager: a double that answers as documented, inside the tests; moto, from PyPI, with every fault, over TLS, through a
# proxy. Azure Key Vault: a double. Google Secret Manager: a double; drongo, from PyPI, with every fault. The vault in a file.
# Each with `sealpost vault test` (of Azure its first words alone: a run takes minutes), the printed policies, and a gateway that
# stores and resolves there.
#
# SEALPOST_BIN: the command with the vaults, if it is built already. SEALPOST_VAULTS: a folder to install servers into and to use
# again. Needs python3 with venv, and openssl.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$here/install.sh"
PYTHONDONTWRITEBYTECODE=1 "$python" "$here/check.py" "$bao" "$SEALPOST_BIN" "$tests" "$@"
