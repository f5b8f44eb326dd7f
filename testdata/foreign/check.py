"""What the product, OpenSSL and pyca/cryptography say of files that others made. See check.sh."""

import collections
import pathlib
import subprocess
import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor

import certifi
import cryptography_vectors
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

HERE = pathlib.Path(__file__).parent
VECTORS = pathlib.Path(cryptography_vectors.__file__).parent
DEBIAN = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
# An empty corpus would agree with everything. rustls-webpki's own tests are not in its package any more.
LEAST = {"pyca certificates": 200, "pkits certificates": 400, "certifi roots": 100, "debian roots": 100, "crates certificates": 80,
         "pyca keys": 150, "pkits keys": 400, "crates keys": 40, "pyca messages": 5, "pkits messages": 200, "crates messages": 25}

warnings.simplefilter("ignore")
passed = failed = 0


def case(what: str, fine: bool) -> None:
    global passed, failed
    passed, failed = passed + fine, failed + (not fine)
    if not fine:
        print(f"FAILED: {what}")


def named(key) -> str:
    """A key as the product could use it, or another."""
    return "rsa" if isinstance(key, (rsa.RSAPublicKey, rsa.RSAPrivateKey)) and 2048 <= key.key_size <= 8192 else "other"


def openssl(*arguments: str) -> bytes | None:
    run = subprocess.run(["openssl", *arguments], stdin=subprocess.DEVNULL, capture_output=True)
    return run.stdout if run.returncode == 0 else None


def openssl_says(kind: str, path: pathlib.Path) -> str:
    if kind == "message":
        forms = ("DER", "PEM", "SMIME")
        return "ok" if any(openssl("cms", "-cmsout", "-noout", "-inform", form, "-in", str(path)) is not None for form in forms) else "no"
    command = ("x509", "-noout", "-pubkey") if kind == "certificate" else ("pkey", "-pubout", "-passin", "pass:")
    public = openssl(*command, "-in", str(path))
    try:
        return "no" if public is None else named(serialization.load_pem_public_key(public))
    except Exception:  # a key that pyca does not know
        return "other"


def pyca_says(kind: str, path: pathlib.Path) -> str:
    data = path.read_bytes()
    try:
        if kind == "certificate":
            pem = b"-----BEGIN" in data and data[:1] != b"0"
            certificate = (x509.load_pem_x509_certificate if pem else x509.load_der_x509_certificate)(data)
            _ = certificate.subject, certificate.issuer, certificate.extensions, certificate.not_valid_after_utc
            try:
                return named(certificate.public_key())
            except Exception:  # an algorithm that it does not know
                return "other"
        if kind == "key":
            load = serialization.load_der_private_key if data[:1] == b"0" else serialization.load_pem_private_key
            if b"OPENSSH" in data:
                load = serialization.load_ssh_private_key
            return named(load(data, None))
    except Exception:  # whatever it raises, it does not take it
        return "no"
    return "-"  # it reads no messages as such


def blocks(bundle: pathlib.Path, folder: pathlib.Path, name: str) -> list[pathlib.Path]:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    files = []
    for number, part in enumerate(bundle.read_text().split(begin)[1:]):
        files.append(folder / f"{name}-{number}.pem")
        files[-1].write_text(begin + part.split(end)[0] + end + "\n")
    return files


def under(folders: list[pathlib.Path], *endings: str) -> list[pathlib.Path]:
    found = {path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix in endings}
    return sorted(found)


def corpora(folder: pathlib.Path, crates: list[pathlib.Path]) -> dict[str, list[pathlib.Path]]:
    pkits = VECTORS / "x509" / "PKITS_data"
    of_pyca = [path for path in under([VECTORS / "x509"], ".pem", ".der") if pkits not in path.parents]
    private = [path for path in under(crates, ".pem", ".der") if b"PRIVATE" in path.read_bytes() or "priv" in path.name]
    return {
        "pyca certificates": of_pyca,
        "pkits certificates": under([pkits], ".crt"),
        "certifi roots": blocks(pathlib.Path(certifi.where()), folder, "root"),
        "debian roots": blocks(DEBIAN, folder, "debian"),
        "crates certificates": [path for path in under(crates, ".pem", ".der", ".crt") if path not in private],
        "pyca keys": under([VECTORS / "asymmetric"], ".pem", ".der", ".key"),
        "pkits keys": under([pkits], ".p12"),
        "crates keys": private,
        "pyca messages": under([VECTORS / "pkcs7"], ".pem", ".der", ".p7b", ".eml"),
        "pkits messages": under([pkits], ".eml"),
        "crates messages": [path for path in under([crate for crate in crates if "/cms-" in str(crate)], ".bin", ".ber", ".der", ".p7b", ".cms")],
    }


def judged(judge: str, kind: str, paths: list[pathlib.Path]) -> list[list[str]]:
    lines = "".join(f"{kind}\t{path}\n" for path in paths)
    answer = subprocess.run([judge], input=lines, capture_output=True, text=True, check=True).stdout.split("\n")[:-1]
    case(f"{len(paths)} files, {len(answer)} answers", len(answer) == len(paths))
    return [(line + "\t\t").split("\t") for line in answer]


def agrees(kind: str, answer: list[str], others: tuple[str, str]) -> bool:
    if answer[0] == "ok":
        return all(other in ("rsa", "ok", "-") for other in others)
    # Refused for its key, which the others know as another, or refused by all.
    return all(other in ("no", "other", "-") for other in others)


def main() -> int:
    judge, crates, write = sys.argv[1], [pathlib.Path(path) for path in sys.argv[2].split()], "--write" in sys.argv
    rules = {}
    for line in (HERE / "differences.tsv").read_text().splitlines()[1:]:
        corpus, product, by_openssl, by_pyca, count, rule = line.split("\t")
        rules[corpus, product, by_openssl, by_pyca] = (count, rule)
    found = collections.Counter()
    classes = {}
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(4) as pool:
        for corpus, paths in corpora(pathlib.Path(folder), crates).items():
            kind = {"certificates": "certificate", "roots": "certificate", "keys": "key", "messages": "message"}[corpus.split()[1]]
            answers = judged(judge, kind, paths)
            by_openssl = list(pool.map(lambda path, kind=kind: openssl_says(kind, path), paths))
            agreed = taken = 0
            for path, answer, other in zip(paths, answers, by_openssl):
                others = (other, pyca_says(kind, path))
                classes.setdefault((kind, path.name), answer)
                taken += answer[0] == "ok"
                if agrees(kind, answer, others):
                    agreed += 1
                    case(f"{corpus}: {path.name}", True)
                else:
                    found[corpus, "ok" if answer[0] == "ok" else answer[1], *others] += 1
                    if "-v" in sys.argv:
                        print(f"  {path}: {answer} {others}")
            print(f"{corpus}: {len(paths)} files, {taken} taken, {agreed} as OpenSSL and pyca, {len(paths) - agreed} by rules")
            case(f"{corpus}: {len(paths)} files, and there should be {LEAST[corpus]}", len(paths) >= LEAST[corpus])
        for name, bundle in (("certifi", pathlib.Path(certifi.where())), ("Debian", DEBIAN)):
            (answer,) = judged(judge, "anchors", [bundle])
            print(f"{name}'s bundle as authorities: {answer[0]}, {answer[1]}")
            case(f"{name}'s bundle as authorities: {answer}", answer[0] == "ok")
    if write:
        with (HERE / "differences.tsv").open("w") as out:
            print("corpus\tproduct\topenssl\tpyca\tcount\trule", file=out)
            for key in sorted(found):
                count = "any" if key[0] == "debian roots" else found[key]
                print(*key, count, rules.get(key, ("", "TODO"))[1], sep="\t", file=out)
    for key, count in sorted(found.items()):
        listed, rule = rules.get(key, ("none", ""))
        case(f"{' | '.join(key)}: {count} files, listed: {listed}", listed in (str(count), "any") and rule not in ("", "TODO"))
    for key, (listed, _) in sorted(rules.items()):
        case(f"{' | '.join(key)}: no file, listed: {listed}", listed == "any" or key in found)
    for line in (HERE / "labels.tsv").read_text().splitlines()[1:]:
        kind, name, expected = line.split("\t")
        answer = classes.get((kind, name), ["not there", ""])
        said = "ok" if answer[0] == "ok" else answer[1]
        case(f"{kind} {name}: {said}, and should be {expected}", said == expected)
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
