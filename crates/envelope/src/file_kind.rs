//! Files of other kinds: what they are, and how to get a private key or a certificate out of them.

mod detect;

use core::fmt;

/// What a file is that is not read here, though it has to do with keys and certificates.
///
/// Errors name it, and the command that makes of it what is read, if there is one. A device, which has neither a shell nor
/// room for that, does without the feature `std`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FileKind {
    /// An age identity or recipient.
    Age,
    /// An archive or a compressed file, but for gzip's.
    Archive,
    /// A file of one of these kinds that was encoded in base64 once more, as in the manifests of Kubernetes.
    Base64,
    /// As [`Base64`](Self::Base64), in the alphabet for URLs or without padding (RFC 4648 §5, §3.2).
    Base64Other,
    /// Neither text nor DER.
    Binary,
    /// A keystore of Bouncy Castle, BKS or UBER.
    BouncyCastle,
    /// A certificate (RFC 5280).
    Certificate,
    /// A certificate request (PKCS#10, RFC 2986).
    CertificateRequest,
    /// A certificate revocation list (RFC 5280 §5).
    Crl,
    /// DER of none of these kinds.
    Der,
    /// A file of no bytes, or of white space.
    Empty,
    /// A private key that is encrypted with a passphrase, in PKCS#8 or in the older PEM.
    Encrypted,
    /// PEM in one line, with `\n` for the line breaks.
    EscapedLines,
    /// A file that gzip compressed.
    Gzip,
    /// A file of one of these kinds in hexadecimal digits.
    Hex,
    /// A web page.
    Html,
    /// A Java keystore, JKS or JCEKS.
    Jks,
    /// JSON of another kind than a JWK.
    Json,
    /// A JWK (RFC 7517).
    Jwk,
    /// An array of JWKs.
    JwkList,
    /// A JWK set (RFC 7517 §5).
    JwkSet,
    /// An RSA private key in Microsoft's PRIVATEKEYBLOB, which OpenSSL calls MSBLOB.
    MsBlob,
    /// An RSA private key in OpenSSH's own format.
    OpenSsh,
    /// Keys of OpenPGP.
    OpenPgp,
    /// PKCS#7 in PEM (RFC 2315): a collection of certificates.
    Pkcs7,
    /// PKCS#7 in DER.
    Pkcs7Der,
    /// PKCS#12 (RFC 7292).
    Pkcs12,
    /// PKCS#12 in a block of PEM, which no program reads.
    Pkcs12Pem,
    /// A private key.
    PrivateKey,
    /// A public key.
    PublicKey,
    /// An RSA private key of PuTTY.
    Putty,
    /// A private key in Microsoft's PVK.
    Pvk,
    /// A private key in the format of SSH2 (RFC 4716 is that of its public keys).
    Ssh2,
    /// An SSH private key of another algorithm than RSA.
    SshOther,
    /// A public key of SSH.
    SshPublicKey,
    /// Text of none of these kinds, without a block of PEM.
    Text,
    /// A key that stays in a TPM.
    Tpm,
    /// A certificate in OpenSSL's own `TRUSTED CERTIFICATE`.
    TrustedCertificate,
    /// Text in UTF-16 with a byte-order mark.
    Utf16,
    /// Text in UTF-16, big-endian, without a byte-order mark.
    Utf16Be,
    /// Text in UTF-16, little-endian, without a byte-order mark.
    Utf16Le,
    /// Text in UTF-32.
    Utf32,
    /// The XML of .NET, `RSAKeyValue` or `RSAParameters`.
    Xml,
    /// XML of another kind.
    XmlOther,
}

/// How an error says that a private key was wanted.
pub(crate) struct NotAKey(pub(crate) FileKind);

/// How an error says that a certificate was wanted.
pub(crate) struct NotACertificate {
    kind: FileKind,
    /// What is of that kind.
    what: &'static str,
    /// Whose certificate was wanted.
    whose: &'static str,
}

impl NotACertificate {
    /// A file is of this kind that should have been an agent's certificate.
    pub(crate) const fn file(kind: FileKind) -> Self {
        Self {
            kind,
            what: "the file",
            whose: AGENT,
        }
    }

    /// A file that should have been an authority's.
    #[cfg(feature = "chain")]
    pub(crate) const fn authority(kind: FileKind) -> Self {
        Self {
            whose: "authority's",
            ..Self::file(kind)
        }
    }

    /// A block of PEM in a file of authorities, among others.
    #[cfg(feature = "chain")]
    pub(crate) const fn authority_block(kind: FileKind) -> Self {
        Self {
            what: "put it into a file of its own: it",
            ..Self::authority(kind)
        }
    }

    /// A block of PEM in the file of an agent's key.
    pub(crate) const fn block(kind: FileKind) -> Self {
        Self {
            what: "it",
            ..Self::file(kind)
        }
    }
}

impl fmt::Display for NotAKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the file is {}: {}", self.0.name(), self.0.to_key())
    }
}

impl fmt::Display for NotACertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, what, whose } = self;
        write!(f, "{what} is {}: ", kind.name())?;
        if let Some(remedy) = kind.to_certificate() {
            f.write_str(remedy)?;
            return match (kind, *whose) {
                (
                    FileKind::Pkcs7 | FileKind::Pkcs7Der | FileKind::Pkcs12 | FileKind::Pkcs12Pem,
                    AGENT,
                ) => f.write_str("; put the agent's first"),
                _ => Ok(()),
            };
        }
        if kind.is_private() {
            f.write_str("it belongs to its owner alone; ")?;
        }
        write!(
            f,
            "give the {whose} certificate, a block \"BEGIN CERTIFICATE\""
        )
    }
}

impl FileKind {
    fn name(self) -> &'static str {
        match self {
            Self::Age => "a key of age",
            Self::Archive => "an archive or compressed",
            Self::Base64 => "another file in base64",
            Self::Base64Other => "another file in base64, in the form for URLs or without padding",
            Self::Binary => "neither text nor DER",
            Self::BouncyCastle => "a keystore of Bouncy Castle (BKS)",
            Self::Certificate => "a certificate, and holds no private key",
            Self::CertificateRequest => "a certificate request",
            Self::Crl => "a certificate revocation list",
            Self::Der => "DER, and neither a certificate nor a key",
            Self::Empty => "empty",
            Self::Encrypted => "a private key that is encrypted",
            Self::EscapedLines => "PEM in one line, with \\n for its line breaks",
            Self::Gzip => "compressed with gzip",
            Self::Hex => "another file in hexadecimal digits",
            Self::Html => "a web page (HTML)",
            Self::Jks => "a Java keystore",
            Self::Json => "JSON, and not a JWK",
            Self::Jwk => "a JWK",
            Self::JwkList => "a list of JWKs",
            Self::JwkSet => "a JWK set",
            Self::MsBlob => "a private key in Microsoft's PRIVATEKEYBLOB",
            Self::OpenSsh => "a private key in OpenSSH's format",
            Self::OpenPgp => "a key of OpenPGP",
            Self::Pkcs7 | Self::Pkcs7Der => "PKCS#7, a collection of certificates",
            Self::Pkcs12 => "PKCS#12",
            Self::Pkcs12Pem => "PKCS#12 in a block of PEM, which is not a form of it",
            Self::PrivateKey => "a private key, and no certificate",
            Self::PublicKey => "a public key",
            Self::Putty => "a private key of PuTTY",
            Self::Pvk => "a private key in Microsoft's PVK",
            Self::Ssh2 => "a private key in SSH2's format",
            Self::SshOther => "an SSH key of another algorithm than RSA",
            Self::SshPublicKey => "a public key of SSH",
            Self::Text => "text without a block of PEM (\"-----BEGIN …\")",
            Self::Tpm => "a key that stays in a TPM",
            Self::TrustedCertificate => {
                "a certificate in OpenSSL's own format, TRUSTED CERTIFICATE"
            }
            Self::Utf16 | Self::Utf16Be | Self::Utf16Le => "text in UTF-16",
            Self::Utf32 => "text in UTF-32",
            Self::Xml => "a key in the XML of .NET",
            Self::XmlOther => "XML",
        }
    }

    /// What to do where a private key is wanted.
    fn to_key(self) -> &'static str {
        match self {
            Self::Age | Self::OpenPgp | Self::SshOther => {
                "make an RSA key, `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out KEY.pem` does"
            }
            Self::Archive => "unpack it, and give the private key that is in it",
            Self::Base64 => "`tr -d '\\r' < FILE | base64 -d > KEY` decodes it",
            Self::Base64Other => {
                "`perl -MMIME::Base64 -0777 -ne 'tr|_-|/+|; print decode_base64($_)' FILE > KEY` decodes it"
            }
            Self::Binary | Self::Der | Self::Text | Self::XmlOther => {
                "give the private key, PKCS#8 or PKCS#1 in PEM or DER, or a JWK"
            }
            Self::BouncyCastle => {
                "only Java with Bouncy Castle reads it: export the key there as PKCS#12, or make a new one, `openssl \
                 genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out KEY.pem` does"
            }
            Self::Empty => "look at what should have written it, and give the private key",
            Self::Gzip => {
                "`gzip -dc < FILE > KEY` unpacks it; if that is an archive of tar, unpack it further"
            }
            Self::Hex => {
                "`perl -0777 -ne 's/[^0-9A-Fa-f]//g; print pack(\"H*\", $_)' FILE > KEY` decodes it"
            }
            Self::Html => "a login or an error came in place of the file: get it again",
            Self::Json => {
                "give a JWK, a JSON object with \"kty\":\"RSA\", or the private key in PEM"
            }
            Self::JwkList => {
                "keep one private key of it, `jq '.[0]' FILE > KEY.json` takes the first"
            }
            Self::Certificate
            | Self::CertificateRequest
            | Self::Crl
            | Self::Pkcs7
            | Self::Pkcs7Der
            | Self::PrivateKey
            | Self::PublicKey
            | Self::SshPublicKey
            | Self::TrustedCertificate => {
                "give the private key, which `sealpost keygen` writes as identity.pem"
            }
            Self::Encrypted => "decrypt it first, `openssl pkey -in FILE -out KEY.pem` does",
            Self::EscapedLines => "`printf '%b' \"$(cat FILE)\" > KEY.pem` writes the line breaks",
            Self::Jks => {
                "take the key out, `keytool -importkeystore -srckeystore FILE -destkeystore KEY.p12 -deststoretype \
                 PKCS12` and then `openssl pkcs12 -in KEY.p12 -nodes -out KEY.pem` do"
            }
            Self::Jwk => "give it as it is, or in PEM",
            Self::JwkSet => {
                "keep one private key of it, `jq '.keys[0]' FILE > KEY.json` takes the first"
            }
            Self::MsBlob => "`openssl rsa -inform MSBLOB -in FILE -out KEY.pem` converts it",
            Self::OpenSsh => {
                "`install -m 600 FILE KEY.pem && ssh-keygen -p -N '' -m PEM -f KEY.pem` converts a copy; a new key is \
                 better, as one for logging in must not open secrets"
            }
            Self::Pkcs12 => {
                "take key and certificate out, `openssl pkcs12 -in FILE -nodes -out KEY.pem` does; add -legacy if it \
                 says \"unsupported\""
            }
            Self::Pkcs12Pem => {
                "`grep -v -e ----- FILE | tr -d '\\r' | base64 -d > KEY.p12` makes PKCS#12 of it, and `openssl pkcs12 -in KEY.p12 \
                 -nodes -out KEY.pem` takes key and certificate out"
            }
            Self::Putty => "`puttygen FILE -O private-openssh -o KEY.pem` converts it",
            Self::Pvk => "`openssl rsa -inform PVK -in FILE -out KEY.pem` converts it",
            Self::Ssh2 => {
                "`ssh-keygen -i -f FILE > KEY.pem` converts it, if it is RSA and without a passphrase"
            }
            Self::Tpm => {
                "it can't be read, so it can't be used here; make one with `sealpost keygen`, or keep it behind a key \
                 holder of your own (docs/FOREIGN-KEYS.md)"
            }
            Self::Utf16 => "`iconv -f UTF-16 -t UTF-8 FILE > KEY.pem` converts it",
            Self::Utf16Be => "`iconv -f UTF-16BE -t UTF-8 FILE > KEY.pem` converts it",
            Self::Utf16Le => "`iconv -f UTF-16LE -t UTF-8 FILE > KEY.pem` converts it",
            Self::Utf32 => "`iconv -f UTF-32 -t UTF-8 FILE > KEY.pem` converts it",
            Self::Xml => XML_TO_JWK,
        }
    }

    /// Returns whether nobody but its owner should have it.
    fn is_private(self) -> bool {
        matches!(
            self,
            Self::BouncyCastle
                | Self::Encrypted
                | Self::MsBlob
                | Self::OpenSsh
                | Self::PrivateKey
                | Self::Putty
                | Self::Pvk
                | Self::Ssh2
                | Self::SshOther
                | Self::Tpm
                | Self::Xml
        )
    }

    /// What to do where a certificate is wanted, if it is more than to give one.
    fn to_certificate(self) -> Option<&'static str> {
        Some(match self {
            Self::Archive => "unpack it, and give the certificate that is in it",
            Self::Base64 => "`tr -d '\\r' < FILE | base64 -d > CERT` decodes it",
            Self::Base64Other => {
                "`perl -MMIME::Base64 -0777 -ne 'tr|_-|/+|; print decode_base64($_)' FILE > CERT` decodes it"
            }
            Self::Empty => "look at what should have written it, and give the certificate",
            Self::Gzip => {
                "`gzip -dc < FILE > CERT` unpacks it; if that is an archive of tar, unpack it further"
            }
            Self::Hex => {
                "`perl -0777 -ne 's/[^0-9A-Fa-f]//g; print pack(\"H*\", $_)' FILE > CERT` decodes it"
            }
            Self::Html => "a login or an error came in place of the file: get it again",
            Self::CertificateRequest => "give the certificate that was issued for it",
            Self::EscapedLines => "`printf '%b' \"$(cat FILE)\" > CERT.pem` writes the line breaks",
            Self::Jks => {
                "`keytool -exportcert -rfc -keystore FILE -alias ALIAS -file CERT.pem` takes a certificate out"
            }
            Self::Pkcs7 => "`openssl pkcs7 -in FILE -print_certs -out CERT.pem` takes them out",
            Self::Pkcs7Der => {
                "`openssl pkcs7 -inform DER -in FILE -print_certs -out CERT.pem` takes them out"
            }
            Self::Pkcs12 => {
                "`openssl pkcs12 -in FILE -nokeys -out CERT.pem` takes the certificates out; add -legacy if it says \
                 \"unsupported\""
            }
            Self::Pkcs12Pem => {
                "`grep -v -e ----- FILE | tr -d '\\r' | base64 -d > CERT.p12` makes PKCS#12 of it, and `openssl pkcs12 -in \
                 CERT.p12 -nokeys -out CERT.pem` takes the certificates out"
            }
            Self::TrustedCertificate => "`openssl x509 -in FILE -out CERT.pem` writes a plain one",
            Self::Utf16 => "`iconv -f UTF-16 -t UTF-8 FILE > CERT.pem` converts it",
            Self::Utf16Be => "`iconv -f UTF-16BE -t UTF-8 FILE > CERT.pem` converts it",
            Self::Utf16Le => "`iconv -f UTF-16LE -t UTF-8 FILE > CERT.pem` converts it",
            Self::Utf32 => "`iconv -f UTF-32 -t UTF-8 FILE > CERT.pem` converts it",
            Self::Age
            | Self::Binary
            | Self::BouncyCastle
            | Self::Certificate
            | Self::Crl
            | Self::Der
            | Self::Encrypted
            | Self::Json
            | Self::Jwk
            | Self::JwkList
            | Self::JwkSet
            | Self::MsBlob
            | Self::OpenPgp
            | Self::OpenSsh
            | Self::PrivateKey
            | Self::PublicKey
            | Self::Putty
            | Self::Pvk
            | Self::Ssh2
            | Self::SshOther
            | Self::SshPublicKey
            | Self::Text
            | Self::Tpm
            | Self::Xml
            | Self::XmlOther => return None,
        })
    }
}

/// Whose certificate is wanted as a rule.
const AGENT: &str = "agent's";

/// The numbers have the same digits in both, but for two of base64's. Their names are those of RFC 7518 §6.3.
const XML_TO_JWK: &str = r#"`perl -0777 -ne '%k = qw(Modulus n Exponent e D d P p Q q DP dp DQ dq InverseQ qi); while (m|<(\w+)>([^<]+)|g) { next unless $k = $k{$1}; ($v = $2) =~ tr|+/= \r\n\t|-_|d; push @m, "\"$k\":\"$v\"" } print "{\"kty\":\"RSA\",", join(",", @m), "}"' FILE > KEY.json` makes a JWK of it"#;
