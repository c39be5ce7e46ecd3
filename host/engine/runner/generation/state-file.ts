import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

/** Ends every state file. */
const MAGIC = Buffer.from('TABSTAT1');

/** Bytes that are read and hashed at a time: a token of another generation waits at most about a millisecond. */
const PIECE_BYTES = 512 * 1024;

const DIGEST_BYTES = 32;

/** Longest description, bytes. */
const MAX_DESCRIPTION = 4096;

/** What llama.cpp writes before the tokens: magic number, version, number of tokens. */
const HEADER_BYTES = 12;

/** What a state file says about itself. */
export interface StateDescription {
  /** What the state can be used with: model, settings, release of llama.cpp. */
  readonly key: string;
  /** Number of tokens. */
  readonly tokens: number;
  /** Position of the first token whose values are all there; more than 0 behind a sliding window. */
  readonly firstCell: number;
}

/** The tokens and the description of a state file. The data between them has not been checked. */
export interface StateHead extends StateDescription {
  readonly tokenIds: Uint32Array;
}

/**
 * Completes a file that llama.cpp wrote: adds a description and a checksum of everything, which {@link isIntact} checks.
 */
export async function seal(path: string, description: StateDescription): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const { size } = await file.stat();
    const text = Buffer.from(JSON.stringify(description));
    const digest = await digestOf(file, size, text);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    await file.write(Buffer.concat([text, digest, length, MAGIC]), 0, undefined, size);
  } finally {
    await file.close();
  }
}

/** Reads the tokens and the description of a state file; undefined if it is not a state file, or has another key. */
export async function readHead(path: string, key: string): Promise<StateHead | undefined> {
  const file = await open(path, 'r');
  try {
    const found = await describe(file);
    if (found?.description.key !== key) return undefined;
    const { tokens } = found.description;
    if (!Number.isSafeInteger(tokens) || tokens < 1 || HEADER_BYTES + 4 * tokens > found.payloadBytes) return undefined;
    const head = Buffer.alloc(HEADER_BYTES + 4 * tokens);
    await file.read(head, 0, head.length, 0);
    if (head.readUInt32LE(8) !== tokens) return undefined;
    const tokenIds = Uint32Array.from({ length: tokens }, (_, i) => head.readUInt32LE(HEADER_BYTES + 4 * i));
    return { ...found.description, tokenIds };
  } finally {
    await file.close();
  }
}

/** Returns whether a state file is as it was sealed, with this key and these tokens. */
export async function isIntact(path: string, { key, tokens }: StateHead): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const found = await describe(file);
    if (found?.description.key !== key || found.description.tokens !== tokens) return false;
    return (await digestOf(file, found.payloadBytes, found.text)).equals(found.digest);
  } finally {
    await file.close();
  }
}

async function describe(file: FileHandle) {
  const info = await file.stat();
  const tail = Buffer.alloc(Math.min(info.size, MAX_DESCRIPTION + DIGEST_BYTES + 4 + MAGIC.length));
  await file.read(tail, 0, tail.length, info.size - tail.length);
  const lengthAt = tail.length - MAGIC.length - 4;
  if (lengthAt < DIGEST_BYTES || !tail.subarray(lengthAt + 4).equals(MAGIC)) return undefined;
  const textAt = lengthAt - DIGEST_BYTES - tail.readUInt32LE(lengthAt);
  if (textAt < 0) return undefined;
  const text = tail.subarray(textAt, lengthAt - DIGEST_BYTES);
  const description = parse(text);
  if (description === undefined) return undefined;
  const payloadBytes = info.size - (tail.length - textAt);
  return { description, text, digest: tail.subarray(lengthAt - DIGEST_BYTES, lengthAt), payloadBytes };
}

function parse(text: Buffer): StateDescription | undefined {
  try {
    const { key, tokens, firstCell } = JSON.parse(text.toString('utf8')) as Record<string, unknown>;
    const isValid = typeof key === 'string' && typeof tokens === 'number' && typeof firstCell === 'number';
    return isValid ? { key, tokens, firstCell } : undefined;
  } catch {
    return undefined;
  }
}

async function digestOf(file: FileHandle, bytes: number, text: Buffer): Promise<Buffer> {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  for (let at = 0; at < bytes; ) {
    const { bytesRead } = await file.read(piece, 0, Math.min(PIECE_BYTES, bytes - at), at);
    if (bytesRead === 0) break;
    hash.update(piece.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash.update(text).digest();
}
