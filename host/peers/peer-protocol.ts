import * as v from 'valibot';
import type { Embedded } from '../models/embedding.ts';

/**
 * What hosts send each other after the handshake: frames with requests, events and replies in the form of the protocol,
 * with these actions. They carry what engines take, which the calling host has made from its client's request, so only
 * hosts of the same version talk to each other.
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
  /** What the engine takes. */
  request: v.optional(v.unknown()),
  /** The request to stop or to cancel. */
  target: v.optional(v.number()),
});
export type PeerRequest = v.InferOutput<typeof PeerRequest>;

/** The event of a generation. */
export const PROGRESS = 'progress';

/** Most bytes of a message in either direction: that of a request of a browser. */
export { MAX_REQUEST_BYTES as MAX_PEER_BYTES } from '../protocol/limits.ts';

/** A vector in JSON: 32-bit little-endian floats in base64. */
export interface PackedEmbedding extends Omit<Embedded, 'vector'> {
  readonly vector: string;
}

export function pack({ vector, ...more }: Embedded): PackedEmbedding {
  const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  return { ...more, vector: bytes.toString('base64') };
}

export function unpack({ vector, ...more }: PackedEmbedding): Embedded {
  // A copy starts at offset 0 of its buffer: a typed array requires a multiple of the size of its numbers.
  const bytes = Uint8Array.from(Buffer.from(vector, 'base64'));
  return { ...more, vector: new Float32Array(bytes.buffer) };
}
