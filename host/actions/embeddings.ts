import { HostError } from '../common/errors.ts';
import { invalidField } from '../common/host-errors.ts';
import type { RequestOf } from '../protocol/messages.ts';
import { encodeVector } from '../vectors/encode.ts';
import { similarity, unit } from '../vectors/similarity.ts';
import type { Actions } from './action.ts';
import { TWICE_ROOM_BYTES } from './result-page.ts';
import { placed, TextRequest } from './text-request.ts';

/** Bytes that a vector takes as JSON; the numbers of a float vector have 7-bit characters only. */
function bytesOf(vector: number[] | string): number {
  return (typeof vector === 'string' ? vector.length + 2 : JSON.stringify(vector).length) + 1;
}

function oneTooLarge(dimensions: number, encoding: string): HostError {
  const remedy = encoding === 'base64' ? '' : '`encoding: "base64"`, or ';
  return new HostError(
    'REPLY_TOO_LARGE',
    `A single vector of this model (${dimensions} dimensions) is too large for a reply. Request ${remedy}similarity scores instead of vectors.`,
    { details: { dimensions, encoding } },
  );
}

/** The two texts to compare, under whichever fields they came. */
function pairOf({ text1, text2, texts }: RequestOf<'COMPUTE_SIMILARITY'>): [string, string] {
  const [first = text1, second = text2] = texts ?? [];
  if (texts !== undefined && (text1 ?? text2) !== undefined) {
    throw invalidField('texts', 'omitted when `text1` or `text2` is given', texts);
  }
  if (first === undefined) throw invalidField('text1', 'a text, or `texts` a list of two', undefined);
  if (second === undefined) throw invalidField('text2', 'a text', undefined);
  return [first, second];
}

export const actions: Actions<'GENERATE_EMBEDDINGS' | 'COMPUTE_SIMILARITY'> = {
  async GENERATE_EMBEDDINGS(request, call) {
    const { texts, encoding = 'float', normalize = true, cursor, limit = texts.length } = request;
    const start = Number(cursor ?? 0);
    if (start >= texts.length) throw invalidField('cursor', `less than the number of texts, ${texts.length}`, cursor);
    const work = await TextRequest.of(request, call);
    const embeddings: (number[] | string)[] = [];
    let dimensions = 0;
    let room = TWICE_ROOM_BYTES;
    for await (const { vector } of work.embed(placed('texts', texts).slice(start, start + limit))) {
      const encoded = encodeVector(normalize ? unit(vector) : vector, encoding);
      dimensions = vector.length;
      room -= bytesOf(encoded);
      if (room < 0) break;
      embeddings.push(encoded);
    }
    if (embeddings.length === 0) throw oneTooLarge(dimensions, encoding);
    const end = start + embeddings.length;
    const next = end < texts.length ? { nextCursor: String(end) } : {};
    const payload = { embeddings, dimensions, ...work.summary(), ...next };
    return { payload, topLevel: payload };
  },

  async COMPUTE_SIMILARITY(request, call) {
    const { metric = 'cosine' } = request;
    const [first, second] = pairOf(request);
    const names = request.texts === undefined ? ['text1', 'text2'] : ['texts.0', 'texts.1'];
    const work = await TextRequest.of(request, call);
    const [a, b] = await work.vectors([first, second].map((text, i) => ({ name: names[i] ?? '', text })));
    if (a === undefined || b === undefined) throw new TypeError('Two texts came back as fewer vectors');
    const payload = {
      similarity: similarity(metric, a, b),
      metric,
      text1_length: first.length,
      text2_length: second.length,
      ...work.summary(),
    };
    return { payload, topLevel: payload };
  },
};
