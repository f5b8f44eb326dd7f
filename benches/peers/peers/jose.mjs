// JWE with the npm package `jose` (`jose.mjs jose KEYS`) or with Node's own crypto by hand (`jose.mjs node KEYS`).
//
// Reads lines `seal|open BITS BYTES COUNT`, answers the COUNT times it took, in nanoseconds. Keys are parsed and the
// message to open is made before the clock runs.
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import {
    X509Certificate, constants, createCipheriv, createDecipheriv, createPrivateKey, privateDecrypt,
    publicEncrypt, randomBytes,
} from "node:crypto";

const [which, folder] = process.argv.slice(2);
const read = (bits, suffix) => readFileSync(`${folder}/agent-a${bits}${suffix}`);
const oaep = (key) => ({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" });

async function joseKeys() {
    const { CompactEncrypt, compactDecrypt, importPKCS8, importX509 } = await import("jose");
    return async (bits) => {
        const certificate = await importX509(read(bits, ".pem").toString(), "RSA-OAEP-256");
        const key = await importPKCS8(read(bits, ".key.pem").toString(), "RSA-OAEP-256");
        const header = { alg: "RSA-OAEP-256", enc: "A256GCM" };
        return {
            seal: (message) => new CompactEncrypt(message).setProtectedHeader(header).encrypt(certificate),
            open: async (sealed) => (await compactDecrypt(sealed, key)).plaintext,
        };
    };
}

// RSA-OAEP(key) ‖ nonce ‖ AES-256-GCM ‖ tag: no format at all.
async function byHand() {
    return (bits) => {
        const certificate = new X509Certificate(read(bits, ".pem")).publicKey;
        const key = createPrivateKey(read(bits, ".key.pem"));
        const width = bits / 8;
        return {
            seal: (message) => {
                const contentKey = randomBytes(32);
                const nonce = randomBytes(12);
                const cipher = createCipheriv("aes-256-gcm", contentKey, nonce);
                const body = Buffer.concat([cipher.update(message), cipher.final()]);
                return Buffer.concat([publicEncrypt(oaep(certificate), contentKey), nonce, body, cipher.getAuthTag()]);
            },
            open: (sealed) => {
                const contentKey = privateDecrypt(oaep(key), sealed.subarray(0, width));
                const decipher = createDecipheriv("aes-256-gcm", contentKey, sealed.subarray(width, width + 12));
                decipher.setAuthTag(sealed.subarray(-16));
                return Buffer.concat([decipher.update(sealed.subarray(width + 12, -16)), decipher.final()]);
            },
        };
    };
}

const load = await (which === "jose" ? joseKeys() : byHand());
const keys = {};
for (const bits of [2048, 3072, 4096]) keys[bits] = await load(bits);
const version = which === "jose"
    ? JSON.parse(readFileSync(new URL("../node_modules/jose/package.json", import.meta.url))).version
    : process.versions.node;
console.log(`${which} ${version}, OpenSSL ${process.versions.openssl}`);

for await (const line of createInterface({ input: process.stdin })) {
    const [op, bits, bytes, count] = line.split(" ");
    const { seal, open } = keys[bits];
    const message = new Uint8Array(Number(bytes)).fill(120);
    const sealed = await seal(message);
    if (Buffer.compare(await open(sealed), message) !== 0) throw new Error("it does not open");
    const times = [];
    for (let i = 0; i < Number(count); i++) {
        const start = process.hrtime.bigint();
        await (op === "seal" ? seal(message) : open(sealed));
        times.push(process.hrtime.bigint() - start);
    }
    console.log(times.join(" "));
}
