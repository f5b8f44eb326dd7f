/** What a secret is for. It opens for exactly this and nothing else. */
export interface SecretContext {
  agentId: string;
  /** A UUID with hyphens. */
  projectId?: string;
  name: string;
  key?: string;
  type?: string;
}

/** Whose certificates are sealed to. One of the two must be given. */
export interface Trust {
  /** SHA-256 fingerprints of certificates, in hexadecimal. */
  pins?: string[];
  /** Take any certificate: whoever handed it to the page can read what is sealed. */
  dangerAnyCertificate?: boolean;
}

export class SealpostError extends Error {}

export class Sealpost {
  /** Loads the module: by default `sealpost.wasm` beside this file. */
  static load(trust: Trust, wasm?: BufferSource | Response | Promise<Response>): Promise<Sealpost>;
  /** Seals a value, which is the text of a JSON object; returns the envelope's text form. */
  seal(certificatePem: string, context: SecretContext, value: string | Uint8Array): string;
  /** Opens an envelope. Only in modules that were built with the feature `open`. */
  open(privateKeyPem: string, context: SecretContext, envelope: string): Uint8Array;
}
