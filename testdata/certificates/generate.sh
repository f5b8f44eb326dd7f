#!/usr/bin/env bash
# Makes certificates as people have them, good and bad, with nothing but the `openssl` command (3.0 or newer).
# The test `openssl.rs` of the envelope says what each must do, and that none is forgotten. The agents' keys are
# those of ../keys; the authorities' are thrown away. Run it to make all of them anew.
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD
keys=$here/../keys
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
exec 3>&2 2>"$work/log"
trap 'cat "$work/log" >&3' ERR

# No configuration but this, so that every machine writes the same extensions.
configure() { # string_mask
    printf '[req]\ndistinguished_name = dn\nstring_mask = %s\n[dn]\n' "$1" >openssl.cnf
}
configure utf8only
export OPENSSL_CONF=$work/openssl.cnf

# --- the three steps: a key, a certificate, keeping it --------------------------------------------------------

new_key() { # name algorithm [option…]
    local name=$1 algorithm=$2 options=()
    shift 2
    for option in "$@"; do options+=(-pkeyopt "$option"); done
    openssl genpkey -algorithm "$algorithm" "${options[@]}" -out "$name.key"
}

# Issues NAME.pem to the key NAME.key (or that of agent a2048), by ISSUER or by itself.
issue() { # name issuer extensions [option of `openssl x509`…]
    local name=$1 issuer=$2 extensions=$3 by=()
    shift 3
    [ -e "$name.key" ] || cp "$keys/agent-a2048.key.pem" "$name.key"
    echo "$extensions" >"$name.ext"
    # shellcheck disable=SC2086
    openssl req -new -key "$name.key" -subj "${SUBJECT:-/O=Example/CN=$name}" ${SUBJECT_OPTIONS:-} -out "$name.csr"
    if [ "$issuer" = "$name" ]; then
        by=(-signkey "$name.key")
    else
        by=(-CA "$issuer.pem" -CAkey "$issuer.key" -set_serial "0x7$(openssl rand -hex 15)")
    fi
    openssl x509 -req -in "$name.csr" "${by[@]}" -days "${DAYS:-36500}" -extfile "$name.ext" -out "$name.pem" "$@"
}

keep() { # name…
    for name in "$@"; do cp "$name.pem" "$here/$name.pem"; done
}

# Extensions of an authority, and of an agent; each line given is one more.
ca() { printf '%s\n' "basicConstraints=critical,CA:TRUE${PATHLEN:+,pathlen:$PATHLEN}" keyUsage=critical,keyCertSign,cRLSign "$@"; }
agent() { printf '%s\n' basicConstraints=critical,CA:FALSE keyUsage=critical,keyEncipherment "$@"; }
A2048=subjectAltName=URI:urn:sealpost:agent:a2048
DIRECTORY=$'[directory]\nO=Example'

rm -f "$here"/*.pem "$here"/*.der "$here"/*.p7b

# --- chains: an authority, an intermediate one, an agent --------------------------------------------------------

new_key ca-rsa RSA rsa_keygen_bits:2048
issue ca-rsa ca-rsa "$(ca)"
new_key intermediate RSA rsa_keygen_bits:2048
issue intermediate ca-rsa "$(PATHLEN=0 ca)"
issue leaf intermediate "$(agent $A2048)"
cat leaf.pem intermediate.pem >"$here/chain-rsa.pem"
cat leaf.pem ca-rsa.pem intermediate.pem >"$here/chain-rsa-with-root.pem"
cp leaf.pem "$here/chain-rsa-cut.pem"
keep ca-rsa

# --- what authorities sign with -----------------------------------------------------------------------------------

for digest in sha1 sha256 sha384 sha512; do
    issue "agent-rsa-$digest" ca-rsa "$(agent $A2048)" "-$digest"
    keep "agent-rsa-$digest"
done
new_key ca-pss RSA rsa_keygen_bits:3072
pss() { echo "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:$1"; }
# shellcheck disable=SC2046
{
    issue ca-pss ca-pss "$(ca)" -sha256 $(pss digest)
    for digest in sha256 sha384 sha512; do
        issue "agent-pss-$digest" ca-pss "$(agent $A2048)" "-$digest" $(pss digest)
        keep "agent-pss-$digest"
    done
    issue agent-pss-long-salt ca-pss "$(agent $A2048)" -sha256 $(pss max)
}
keep ca-pss agent-pss-long-salt
for curve in P-256:sha256 P-384:sha384 P-521:sha512; do
    name=p${curve:2:3}
    new_key "ca-$name" EC "ec_paramgen_curve:${curve%:*}"
    issue "ca-$name" "ca-$name" "$(ca)" "-${curve#*:}"
    issue "agent-$name" "ca-$name" "$(agent $A2048)" "-${curve#*:}"
    keep "ca-$name" "agent-$name"
done
new_key ca-ed25519 ED25519
issue ca-ed25519 ca-ed25519 "$(ca)"
issue agent-ed25519 ca-ed25519 "$(agent $A2048)"
new_key ca-rsa-1024 RSA rsa_keygen_bits:1024
issue ca-rsa-1024 ca-rsa-1024 "$(ca)"
keep ca-ed25519 agent-ed25519 ca-rsa-1024

# --- authorities with name constraints ------------------------------------------------------------------------------

constrained() { # name constraints
    new_key "ca-$1" ED25519
    issue "ca-$1" "ca-$1" "$(ca "nameConstraints=critical,$2" "$DIRECTORY")"
    issue "agent-$1" "ca-$1" "$(agent "$A2048,DNS:agent.example.com")"
    keep "ca-$1" "agent-$1"
}
constrained dns-permitted "permitted;DNS:example.com"
constrained dns-excluded "excluded;DNS:example.com"
constrained uri-permitted "permitted;URI:sealpost.example.com"
constrained directory-permitted "permitted;dirName:directory"

# --- agents with other extensions ---------------------------------------------------------------------------------------

variant() { # name extensions
    issue "$1" ca-rsa "$2"
    keep "$1"
}
variant usual "$(printf '%s\n' basicConstraints=CA:FALSE keyUsage=critical,digitalSignature,keyEncipherment \
    subjectKeyIdentifier=hash authorityKeyIdentifier=keyid,issuer certificatePolicies=1.2.3.4 \
    crlDistributionPoints=URI:http://crl.example.com/ca.crl \
    'authorityInfoAccess=OCSP;URI:http://ocsp.example.com,caIssuers;URI:http://ca.example.com/ca.crt' $A2048)"
variant two-agents "$(agent $A2048,URI:urn:sealpost:agent:b2048)"
variant other-agent "$(agent subjectAltName=URI:urn:sealpost:agent:b2048)"
variant no-agent "$(agent)"
variant bad-agent "$(agent "subjectAltName=URI:urn:sealpost:agent:a 2048")"
variant every-name "$(agent "subjectAltName=DNS:a.example.com,IP:192.0.2.1,IP:2001:db8::1,email:a@example.com,RID:1.2.3.4,\
otherName:1.3.6.1.4.1.311.20.2.3;UTF8:a@example.com,dirName:directory,URI:https://example.com/?a,${A2048#*=}" "$DIRECTORY")"
variant no-key-usage "$(printf '%s\n' basicConstraints=CA:FALSE $A2048)"
variant signs-only "$(printf '%s\n' keyUsage=digitalSignature $A2048)"
variant data-encipherment "$(printf '%s\n' keyUsage=dataEncipherment $A2048)"
variant tls-purpose "$(agent $A2048 extendedKeyUsage=serverAuth,clientAuth)"
variant any-purpose "$(agent $A2048 extendedKeyUsage=serverAuth,anyExtendedKeyUsage)"
variant critical-policy "$(agent $A2048 certificatePolicies=critical,1.2.3.4)"

# --- other keys -----------------------------------------------------------------------------------------------------------

new_key key-1024 RSA rsa_keygen_bits:1024
new_key key-8192 RSA rsa_keygen_bits:8192
new_key key-exponent-3 RSA rsa_keygen_bits:2048 rsa_keygen_pubexp:3
new_key key-p256 EC ec_paramgen_curve:P-256
new_key key-pss-only RSA-PSS rsa_keygen_bits:2048
for name in key-1024 key-8192 key-exponent-3 key-p256 key-pss-only; do variant "$name" "$(agent $A2048)"; done

# --- names, serial numbers, times -------------------------------------------------------------------------------------------

named() { # name string_mask subject [option of `openssl req`]
    configure "$2"
    SUBJECT=$3 SUBJECT_OPTIONS="-utf8 ${4-}" variant "$1" "$(agent $A2048)"
    configure utf8only
}
named name-utf8 utf8only "/C=DE/O=Bäckerei 日本/CN=agent"
named name-printable default "/C=DE/O=Example/CN=agent"
named name-t61-bmp pkix "/O=Bäckerei/OU=日本/CN=agent"
named name-multivalued utf8only "/O=Example/CN=agent+OU=ops+emailAddress=a@example.com" -multivalue-rdn
named name-empty utf8only /
itself() { # name [option of `openssl x509`…]
    issue "$1" "$1" "$(agent $A2048)" "${@:2}"
    keep "$1"
}
itself serial-zero -set_serial 0
itself serial-negative -set_serial -77
itself serial-20-bytes -set_serial 0xffffffffffffffffffffffffffffffffffffffff
itself serial-24-bytes -set_serial 0x7fffffffffffffffffffffffffffffffffffffffffffffff
DAYS=2900000 itself year-9966
DAYS=1 itself expired

# --- how people get one: without a thought, as text, out of a keystore ----------------------------------------------------------

cp "$keys/agent-a2048.key.pem" plain.key
itself self-signed
# With no extensions at all, and with the configuration that openssl is shipped with.
openssl req -x509 -new -key plain.key -subj /CN=plain -days 36500 -out bare.pem
openssl req -x509 -new -key plain.key -subj /CN=plain -days 36500 -out shipped.pem -addext basicConstraints=critical,CA:true \
    -addext subjectKeyIdentifier=hash -addext authorityKeyIdentifier=keyid:always,issuer
keep bare shipped
openssl x509 -in usual.pem -text -out "$here/with-text.pem"
openssl x509 -in usual.pem -trustout -out "$here/trusted-format.pem"
openssl x509 -in usual.pem -outform DER -out "$here/usual.der"
openssl crl2pkcs7 -nocrl -certfile usual.pem -out "$here/usual.p7b"
openssl pkcs12 -export -inkey plain.key -in usual.pem -certfile ca-rsa.pem -name agent -passout pass:x -out all.p12
# With the key, which is public already.
openssl pkcs12 -in all.p12 -passin pass:x -nodes -out "$here/from-pkcs12.pem"
sed 's/$/\r/' usual.pem >"$here/crlf.pem"
wrapped() { # width
    echo "-----BEGIN CERTIFICATE-----"
    openssl base64 -A -in "$here/usual.der" | fold -w "$1"
    printf '\n-----END CERTIFICATE-----\n'
}
wrapped 76 >"$here/width-76.pem"
wrapped 9999 >"$here/one-line.pem"
