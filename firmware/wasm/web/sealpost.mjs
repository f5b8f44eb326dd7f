// Seals a secret in the page that has it, so that no server in between sees it.
//
//   const sealpost = await Sealpost.load({ pins: ["5f0c…"] });
//   const envelope = sealpost.seal(certificatePem, { agentId: "agent-1", name: "db", key: "password" }, '{"password":"…"}');
//
// The module wipes its own memory. It can't wipe what JavaScript keeps of a string: give the value as a Uint8Array and
// fill it with zeros afterwards where that matters.

export class SealpostError extends Error {}

export class Sealpost {
  #exports;
  #pins;

  static async load({ pins, dangerAnyCertificate = false } = {}, wasm) {
    if (!pins?.length && !dangerAnyCertificate) {
      throw new SealpostError("no certificate is trusted: give pins, the fingerprints of those to seal to");
    }
    if (pins?.length && dangerAnyCertificate) {
      throw new SealpostError("pins and dangerAnyCertificate exclude each other: leave the second out");
    }
    let memory;
    const imports = {
      sealpost: {
        random(start, length) {
          try {
            for (let done = 0; done < length; done += MAX_RANDOM) {
              const part = Math.min(MAX_RANDOM, length - done);
              crypto.getRandomValues(new Uint8Array(memory.buffer, start + done, part));
            }
            return 1;
          } catch {
            return 0;
          }
        },
      },
    };
    const source = await (wasm ?? fetch(new URL("sealpost.wasm", import.meta.url)));
    const { instance } =
      typeof Response !== "undefined" && source instanceof Response
        ? await WebAssembly.instantiateStreaming(source, imports)
        : await WebAssembly.instantiate(source, imports);
    memory = instance.exports.memory;
    const sealpost = new Sealpost();
    sealpost.#exports = instance.exports;
    sealpost.#pins = pins?.length ? pins.join("\n") : undefined;
    return sealpost;
  }

  seal(certificatePem, context, value) {
    const now = BigInt(Math.floor(Date.now() / 1000));
    const fields = [certificatePem, this.#pins, ...contextFields(context), value];
    const envelope = this.#call((start, length) => this.#exports.seal(start, length, now), fields);
    return new TextDecoder().decode(envelope);
  }

  open(privateKeyPem, context, envelope) {
    if (!this.#exports.open) throw new SealpostError("this module only seals: build it with the feature `open`");
    const fields = [privateKeyPem, ...contextFields(context), envelope];
    return this.#call((start, length) => this.#exports.open(start, length), fields);
  }

  #call(call, fields) {
    const { memory, reserve, release } = this.#exports;
    const encoded = fields.map((field) => (typeof field === "string" ? new TextEncoder().encode(field) : field));
    const length = encoded.reduce((sum, field) => sum + 4 + (field?.length ?? 0), 0);
    const start = reserve(length);
    let at = start;
    for (const field of encoded) {
      new DataView(memory.buffer).setUint32(at, field?.length ?? ABSENT, true);
      if (field) new Uint8Array(memory.buffer).set(field, at + 4);
      at += 4 + (field?.length ?? 0);
    }
    let answer;
    try {
      answer = call(start, length);
    } finally {
      release(start, length);
    }
    const head = new DataView(memory.buffer, answer, 5);
    const size = head.getUint32(0, true);
    const succeeded = head.getUint8(4) === 1;
    const bytes = new Uint8Array(memory.buffer, answer + 5, size).slice();
    release(answer, 5 + size);
    if (!succeeded) throw new SealpostError(new TextDecoder().decode(bytes));
    return bytes;
  }
}

function contextFields({ agentId, projectId, name, key, type }) {
  return [agentId, projectId, name, key, type];
}

// The most that getRandomValues gives in one call.
const MAX_RANDOM = 65536;
const ABSENT = 0xffffffff;
