import type { JsonValue } from '../common/json.ts';
import type { ApiCall } from './api-call.ts';
import { ApiError, invalidParam } from './api-error.ts';

/** Most texts of a request. Source: OpenAI's limit. */
const MAX_INPUTS = 2048;

/** Most bytes of all embeddings in a response. 2,048 embeddings of 1,024 numbers have about half. */
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;

/** Bytes of a number in JSON, about. */
const BYTES_PER_NUMBER = 20;

/** `POST /v1/embeddings`. */
export async function embeddings({ body, client, models, signal }: ApiCall): Promise<Response> {
  const texts = textsOf(body.input);
  const encoding = body.encoding_format ?? 'float';
  const { dimensions } = body;
  if (encoding !== 'float' && encoding !== 'base64') throw invalidParam('encoding_format', 'float or base64');
  const ignored = Object.keys(body).filter((name) => !FIELDS.includes(name));
  return models.use(body.model, signal, async ({ id }) => {
    const found: (number[] | string)[] = [];
    let tokens = 0;
    let bytes = 0;
    while (found.length < texts.length) {
      const fields = { modelId: id, texts: texts.slice(found.length), encoding };
      const { payload } = await client.request('GENERATE_EMBEDDINGS', fields, { signal });
      if (dimensions !== undefined && dimensions !== null && dimensions !== payload.dimensions) {
        throw invalidParam('dimensions', `${payload.dimensions}, the only number that this model supports`);
      }
      for (const embedding of payload.embeddings) {
        bytes += typeof embedding === 'string' ? embedding.length : embedding.length * BYTES_PER_NUMBER;
      }
      if (bytes > MAX_RESPONSE_BYTES) {
        throw new ApiError(400, 'reply_too_large', 'The embeddings are too large for one response. Send fewer texts.');
      }
      found.push(...payload.embeddings);
      tokens += payload.total_tokens;
    }
    return Response.json({
      object: 'list',
      data: found.map((embedding, index) => ({ object: 'embedding', index, embedding })),
      model: id,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
      ...(ignored.length === 0 ? {} : { ignored }),
    });
  });
}

const FIELDS = ['model', 'input', 'encoding_format', 'dimensions'];

function textsOf(input: JsonValue | undefined): readonly string[] {
  const texts = typeof input === 'string' ? [input] : input;
  const isList = Array.isArray(texts) && texts.every((text) => typeof text === 'string');
  if (isList && texts.length > 0 && texts.length <= MAX_INPUTS) return texts as string[];
  throw invalidParam('input', `a string, or a list of 1 to ${MAX_INPUTS} strings`);
}
