import { defined } from '../common/defined.ts';
import { HostError } from '../common/errors.ts';
import { invalidField } from '../common/host-errors.ts';
import { createYielder } from '../common/yield-to-event-loop.ts';
import * as declared from '../protocol/actions/embeddings.ts';
import type { RequestOf } from '../protocol/messages.ts';
import { centroid } from '../vectors/centroid.ts';
import { encodeVector } from '../vectors/encode.ts';
import { kMeans } from '../vectors/k-means.ts';
import { nearest } from '../vectors/nearest.ts';
import { silhouette } from '../vectors/silhouette.ts';
import { cosine, similarity, unit } from '../vectors/similarity.ts';
import { handle } from './action.ts';
import { MAX_REPEATED_BYTES } from './paging.ts';
import { namedTexts, TextRequest } from './text-request.ts';

/** The size of a vector as JSON, bytes. Numbers and base64 are ASCII. */
function bytesOf(vector: number[] | string): number {
  return (typeof vector === 'string' ? vector.length + 2 : JSON.stringify(vector).length) + 1;
}

function vectorTooLarge(dimensions: number, encoding: string): HostError {
  const remedy = encoding === 'base64' ? '' : '`encoding: "base64"`, or ';
  return new HostError(
    'REPLY_TOO_LARGE',
    `A single vector of this model (${dimensions} dimensions) is too large for a reply. Request ${remedy}similarity scores instead of vectors.`,
    { details: { dimensions, encoding } },
  );
}

/** Returns the two texts to compare. */
function pairOf({ text1, text2, texts }: RequestOf<'COMPUTE_SIMILARITY'>): [string, string] {
  const [first = text1, second = text2] = texts ?? [];
  if (texts !== undefined && (text1 ?? text2) !== undefined) {
    throw invalidField('texts', 'omitted when `text1` or `text2` is given', texts);
  }
  if (first === undefined) throw invalidField('text1', 'a string, unless `texts` is given', undefined);
  if (second === undefined) throw invalidField('text2', 'a string', undefined);
  return [first, second];
}

export const generateEmbeddings = handle(declared.generateEmbeddings, async (request, call) => {
  const { texts, encoding = 'float', normalize = true, cursor, limit = texts.length } = request;
  const start = Number(cursor ?? 0);
  if (start >= texts.length) throw invalidField('cursor', `less than the number of texts, ${texts.length}`, cursor);
  const work = await TextRequest.start(request, call);
  const embeddings: (number[] | string)[] = [];
  let dimensions = 0;
  let remainingBytes = MAX_REPEATED_BYTES;
  for await (const { vector } of work.embed(namedTexts('texts', texts).slice(start, start + limit))) {
    const encoded = encodeVector(normalize ? unit(vector) : vector, encoding);
    dimensions = vector.length;
    remainingBytes -= bytesOf(encoded);
    if (remainingBytes < 0) break;
    embeddings.push(encoded);
  }
  if (embeddings.length === 0) throw vectorTooLarge(dimensions, encoding);
  const end = start + embeddings.length;
  const nextCursor = end < texts.length ? String(end) : undefined;
  return { payload: { embeddings, dimensions, ...work.summary(), ...defined({ nextCursor }) } };
});

export const computeSimilarity = handle(declared.computeSimilarity, async (request, call) => {
  const { metric = 'cosine' } = request;
  const [first, second] = pairOf(request);
  const names = request.texts === undefined ? ['text1', 'text2'] : ['texts.0', 'texts.1'];
  const work = await TextRequest.start(request, call);
  const [a, b] = await work.vectors([first, second].map((text, i) => ({ name: names[i] ?? '', text })));
  if (a === undefined || b === undefined) throw new TypeError('The model returned fewer vectors than texts');
  const payload = {
    similarity: similarity(metric, a, b),
    metric,
    text1_length: first.length,
    text2_length: second.length,
    ...work.summary(),
  };
  return { payload };
});

/** Returns the size of each cluster, and the text nearest to its centroid. */
function describeClusters(vectors: readonly Float32Array[], labels: readonly number[], count: number) {
  return Array.from({ length: count }, (_, label) => {
    const members = [...vectors.entries()].filter(([index]) => labels[index] === label);
    const center = centroid(members.map(([, vector]) => vector));
    const scores = members.map(([index, vector]) => ({ index, score: cosine(center, vector) }));
    const [representative] = nearest(scores, 1);
    return { label, size: members.length, representative: representative?.index ?? 0 };
  });
}

export const clusterTexts = handle(declared.clusterTexts, async (request, call) => {
  const { texts, n_clusters: k, seed = 0 } = request;
  if (k > texts.length) throw invalidField('n_clusters', `at most the number of texts, ${texts.length}`, k);
  const work = await TextRequest.start(request, call);
  const vectors = (await work.vectors(namedTexts('texts', texts))).map(unit);
  const pause = createYielder(call.signal);
  const { labels, count } = await kMeans(vectors, { k, seed, pause });
  const payload = {
    labels,
    n_clusters: count,
    silhouette_score: await silhouette(vectors, labels, pause),
    algorithm: 'kmeans' as const,
    clusters: describeClusters(vectors, labels, count),
    ...work.summary(),
  };
  return { payload };
});
