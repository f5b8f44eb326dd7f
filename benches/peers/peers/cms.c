/* OpenSSL's CMS: AuthEnvelopedData with RSA-OAEP (SHA-256 for both) and AES-256-GCM, as a peer process.
 *
 * cms KEYS: reads lines `seal|open BITS BYTES COUNT`, answers the COUNT times it took, in nanoseconds.
 * Keys are parsed and the message to open is made before the clock runs.
 */
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void check(int ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "cms: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static FILE *open_key(const char *folder, int bits, const char *suffix) {
    char path[4096];
    snprintf(path, sizeof path, "%s/agent-a%d%s", folder, bits, suffix);
    FILE *file = fopen(path, "r");
    check(file != NULL, path);
    return file;
}

/* The DER, to be freed with OPENSSL_free. */
static long seal(X509 *certificate, const unsigned char *message, int length, unsigned char **der) {
    BIO *in = BIO_new_mem_buf(message, length);
    unsigned flags = CMS_BINARY | CMS_PARTIAL | CMS_KEY_PARAM;
    CMS_ContentInfo *cms = CMS_AuthEnvelopedData_create(EVP_aes_256_gcm());
    check(cms != NULL && CMS_set_detached(cms, 0), "create");
    CMS_RecipientInfo *recipient = CMS_add1_recipient_cert(cms, certificate, flags);
    check(recipient != NULL, "recipient");
    EVP_PKEY_CTX *key = CMS_RecipientInfo_get0_pkey_ctx(recipient);
    check(EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_OAEP_PADDING) > 0, "OAEP");
    check(EVP_PKEY_CTX_set_rsa_oaep_md(key, EVP_sha256()) > 0, "hash");
    check(EVP_PKEY_CTX_set_rsa_mgf1_md(key, EVP_sha256()) > 0, "mask");
    check(CMS_final(cms, in, NULL, flags), "final");
    *der = NULL;
    long size = i2d_CMS_ContentInfo(cms, der);
    check(size > 0, "DER");
    CMS_ContentInfo_free(cms);
    BIO_free(in);
    return size;
}

/* What was opened, of the length that is expected; it belongs to the BIO. */
static BIO *unseal(const unsigned char *der, long size, EVP_PKEY *key, X509 *certificate, int expected, char **bytes) {
    const unsigned char *at = der;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, size);
    check(cms != NULL, "parse");
    BIO *out = BIO_new(BIO_s_mem());
    check(CMS_decrypt(cms, key, certificate, NULL, out, CMS_BINARY), "decrypt");
    check(BIO_get_mem_data(out, bytes) == expected, "length");
    CMS_ContentInfo_free(cms);
    return out;
}

int main(int argc, char **argv) {
    check(argc == 2, "usage: cms KEYS");
    X509 *certificates[3];
    EVP_PKEY *keys[3];
    for (int i = 0; i < 3; i++) {
        FILE *file = open_key(argv[1], 2048 + 1024 * i, ".pem");
        certificates[i] = PEM_read_X509(file, NULL, NULL, NULL);
        fclose(file);
        file = open_key(argv[1], 2048 + 1024 * i, ".key.pem");
        keys[i] = PEM_read_PrivateKey(file, NULL, NULL, NULL);
        fclose(file);
        check(certificates[i] && keys[i], "keys");
    }
    printf("%s\n", OpenSSL_version(OPENSSL_VERSION));
    fflush(stdout);
    char op[8];
    int bits, bytes, count;
    while (scanf("%7s %d %d %d", op, &bits, &bytes, &count) == 4) {
        X509 *certificate = certificates[(bits - 2048) / 1024];
        EVP_PKEY *key = keys[(bits - 2048) / 1024];
        unsigned char *message = malloc((size_t)bytes + 1), *der;
        check(message != NULL, "memory");
        memset(message, 'x', (size_t)bytes);
        long size = seal(certificate, message, bytes, &der);
        char *opened;
        BIO *out = unseal(der, size, key, certificate, bytes, &opened);
        check(bytes == 0 || memcmp(opened, message, (size_t)bytes) == 0, "it does not open");
        BIO_free(out);
        for (int i = 0; i < count; i++) {
            uint64_t start = now();
            if (op[0] == 's') {
                unsigned char *sealed;
                seal(certificate, message, bytes, &sealed);
                OPENSSL_free(sealed);
            } else {
                BIO_free(unseal(der, size, key, certificate, bytes, &opened));
            }
            printf("%llu ", (unsigned long long)(now() - start));
        }
        printf("\n");
        fflush(stdout);
        OPENSSL_free(der);
        free(message);
    }
    return 0;
}
