import * as v from 'valibot';
import type { Embedded } from '../models/embedding.ts';

/**
 * Actions of the messages between hosts. After the handshake, hosts exchange frames with requests, events and replies,
 * as in the protocol for clients. A request contains the arguments of an engine's method, which the calling host
 * derived from its client's request. They can differ between versions, so only hosts of the same version connect.
 */
export const PEER_ACTIONS = [
  'GENERATE',
  'RENDER',
  'COUNT',
  'EMBED',
  'RANK',
  'STOP',
  'CANCEL',
  'UNLOAD',
  'LOAD',
] as const;
export type PeerAction = (typeof PEER_ACTIONS)[number];

/** A message of the calling host. */
export const PeerRequest = v.object({
  action: v.picklist(PEER_ACTIONS),
  requestId: v.number(),
  /** The argument of the engine's method. */
  request: v.optional(v.unknown()),
  /** Id of the request to stop or cancel. */
  target: v.optional(v.number()),
});
export type PeerRequest = v.InferOutput<typeof PeerRequest>;

/** Type of the events of a generation or load. */
export const PROGRESS = 'progress';

/** Maximum size of a message in either direction, in bytes: that of a browser's request. */
export { MAX_REQUEST_BYTES as MAX_PEER_BYTES } from '../protocol/limits.ts';

/** An embedding in JSON. The vector is base64 of 32-bit little-endian floats. */
export interface PackedEmbedding extends Omit<Embedded, 'vector'> {
  readonly vector: string;
}

export function pack({ vector, ...more }: Embedded): PackedEmbedding {
  const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  return { ...more, vector: bytes.toString('base64') };
}

export function unpack({ vector, ...more }: PackedEmbedding): Embedded {
  // The copy starts at offset 0 of its buffer. A Float32Array requires an offset that is a multiple of 4.
  const bytes = Uint8Array.from(Buffer.from(vector, 'base64'));
  return { ...more, vector: new Float32Array(bytes.buffer) };
}
