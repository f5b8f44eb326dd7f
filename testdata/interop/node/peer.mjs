// Seals and opens JWEs for check.py, with `jose` and with WebCrypto alone. Reads a JSON array of jobs on stdin, writes
// a JSON array of { result } or { error } on stdout.
//
// { by: "jose" | "webcrypto", op: "seal", form, header, to: [{ certificate, kid }], plaintext }
// { by, op: "open", text, key }                            plaintext and results of opening are base64
import { X509Certificate, createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as jose from 'jose'

const { subtle } = globalThis.crypto
const encode = (bytes) => Buffer.from(bytes).toString('base64url')
const decode = (text) => new Uint8Array(Buffer.from(text, 'base64url'))
const ascii = (text) => new TextEncoder().encode(text)

const josePeer = {
  async seal({ form, header, to, plaintext }) {
    const key = ({ certificate }) => jose.importX509(certificate, 'RSA-OAEP-256')
    if (form === 'general') {
      const jwe = new jose.GeneralEncrypt(plaintext).setProtectedHeader(header)
      for (const one of to) jwe.addRecipient(await key(one)).setUnprotectedHeader({ kid: one.kid })
      return JSON.stringify(await jwe.encrypt())
    }
    const named = { ...header, kid: to[0].kid }
    if (form === 'flattened') {
      return JSON.stringify(await new jose.FlattenedEncrypt(plaintext).setProtectedHeader(named).encrypt(await key(to[0])))
    }
    return new jose.CompactEncrypt(plaintext).setProtectedHeader(named).encrypt(await key(to[0]))
  },
  async open({ text, key }) {
    const imported = await jose.importPKCS8(key, 'RSA-OAEP-256')
    if (!text.startsWith('{')) return (await jose.compactDecrypt(text, imported)).plaintext
    const jwe = JSON.parse(text)
    const open = jwe.recipients ? jose.generalDecrypt : jose.flattenedDecrypt
    return (await open(jwe, imported)).plaintext
  },
}

const oaep = { name: 'RSA-OAEP', hash: 'SHA-256' }

const webcryptoPeer = {
  async seal({ form, header, to, plaintext }) {
    const content = await subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt'])
    const raw = await subtle.exportKey('raw', content)
    const keys = await Promise.all(to.map(async ({ certificate }) => {
      const spki = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })
      const key = await subtle.importKey('spki', spki, oaep, false, ['encrypt'])
      return encode(await subtle.encrypt(oaep, key, raw))
    }))
    const alone = form === 'general' ? header : { ...header, kid: to[0].kid }
    const protectedHeader = encode(ascii(JSON.stringify(alone)))
    const iv = globalThis.crypto.getRandomValues(new Uint8Array(12))
    const sealed = new Uint8Array(await subtle.encrypt(
      { name: 'AES-GCM', iv, additionalData: ascii(protectedHeader), tagLength: 128 }, content, plaintext))
    const [ciphertext, tag] = [encode(sealed.subarray(0, -16)), encode(sealed.subarray(-16))]
    if (form === 'compact') return [protectedHeader, keys[0], encode(iv), ciphertext, tag].join('.')
    const parts = { protected: protectedHeader, iv: encode(iv), ciphertext, tag }
    if (form === 'flattened') return JSON.stringify({ ...parts, encrypted_key: keys[0] })
    return JSON.stringify({
      ...parts,
      recipients: keys.map((encrypted_key, n) => ({ header: { kid: to[n].kid }, encrypted_key })),
    })
  },
  async open({ text, key }) {
    let parts
    if (text.startsWith('{')) {
      const jwe = JSON.parse(text)
      parts = [jwe.protected, jwe.encrypted_key ?? jwe.recipients.at(-1).encrypted_key, jwe.iv, jwe.ciphertext, jwe.tag]
    } else {
      parts = text.split('.')
    }
    const pkcs8 = createPrivateKey(key).export({ type: 'pkcs8', format: 'der' })
    const imported = await subtle.importKey('pkcs8', pkcs8, oaep, false, ['decrypt'])
    const raw = await subtle.decrypt(oaep, imported, decode(parts[1]))
    const content = await subtle.importKey('raw', raw, 'AES-GCM', false, ['decrypt'])
    return new Uint8Array(await subtle.decrypt(
      { name: 'AES-GCM', iv: decode(parts[2]), additionalData: ascii(parts[0]), tagLength: 128 },
      content, Buffer.concat([decode(parts[3]), decode(parts[4])])))
  },
}

const jobs = JSON.parse(readFileSync(0))
const results = []
for (const job of jobs) {
  const peer = job.by === 'jose' ? josePeer : webcryptoPeer
  try {
    if (job.op === 'seal') {
      const plaintext = new Uint8Array(Buffer.from(job.plaintext, 'base64'))
      results.push({ result: await peer.seal({ ...job, plaintext }) })
    } else {
      results.push({ result: Buffer.from(await peer.open(job)).toString('base64') })
    }
  } catch (error) {
    results.push({ error: String(error) })
  }
}
process.stdout.write(JSON.stringify(results))
