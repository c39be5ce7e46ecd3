import * as v from 'valibot';
import { parseJson } from '../common/json-limits.ts';
import { validate } from '../common/validate.ts';
import type { Embedded } from '../models/embedding.ts';

const Answer = v.object({
  data: v.array(
    v.object({
      index: v.pipe(v.number(), v.integer(), v.minValue(0)),
      embedding: v.pipe(v.array(v.pipe(v.number(), v.finite())), v.minLength(1)),
    }),
  ),
  usage: v.nullish(v.object({ prompt_tokens: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0) })),
});

/**
 * Parses the response to `POST /embeddings` for `count` texts, in the order of the texts. Undefined if it is invalid:
 * for example too few vectors, two for one text, or vectors of different lengths.
 *
 * Engines report only the total number of tokens, which is divided equally among the texts.
 */
export function readEmbeddings(text: string, count: number): Embedded[] | undefined {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return undefined;
  }
  const { success, output } = validate(Answer, value);
  if (!success) return undefined;
  const vectors = new Map(output.data.map(({ index, embedding }) => [index, embedding]));
  const dimensions = output.data[0]?.embedding.length;
  const tokens = output.usage?.prompt_tokens ?? 0;
  const share = Math.floor(tokens / count);
  const embedded: Embedded[] = [];
  for (let index = 0; index < count; index += 1) {
    const vector = vectors.get(index);
    if (vector === undefined || vector.length !== dimensions) return undefined;
    const own = index === 0 ? tokens - share * (count - 1) : share;
    embedded.push({ vector: Float32Array.from(vector), tokens: own, truncated: false });
  }
  return output.data.length === count ? embedded : undefined;
}
