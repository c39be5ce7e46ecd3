import { isJsonObject, type JsonValue } from '../common/json.ts';
import type { ApiCall } from './api-call.ts';
import { invalidParam } from './api-error.ts';

const FIELDS = ['model', 'query', 'documents', 'top_n', 'return_documents'];

/** `POST /v1/rerank`, as Cohere, Jina and llama-server have it. */
export async function rerank({ body, client, models, signal }: ApiCall): Promise<Response> {
  const documents = documentsOf(body.documents);
  const { query, top_n: top, return_documents: withText = false } = body;
  if (typeof query !== 'string') throw invalidParam('query', 'a string');
  if (typeof withText !== 'boolean') throw invalidParam('return_documents', 'true or false');
  if (top !== undefined && (typeof top !== 'number' || !Number.isInteger(top) || top < 1)) {
    throw invalidParam('top_n', 'a whole number from 1');
  }
  const ignored = Object.keys(body).filter((name) => !FIELDS.includes(name));
  return models.use(body.model, signal, async ({ id }) => {
    // The texts are here already, and without them all results fit into one reply.
    const fields = { modelId: id, query, documents, return_documents: false };
    const { payload } = await client.request('RERANK_DOCUMENTS', fields, { signal });
    const { results, total_tokens: tokens } = payload;
    return Response.json({
      object: 'list',
      model: id,
      results: results.slice(0, top).map(({ index, score }) => ({
        index,
        relevance_score: score,
        ...(withText ? { document: { text: documents[index] } } : {}),
      })),
      usage: { prompt_tokens: tokens, total_tokens: tokens },
      ...(ignored.length === 0 ? {} : { ignored }),
    });
  });
}

function documentsOf(documents: JsonValue | undefined): readonly string[] {
  if (!Array.isArray(documents)) throw invalidParam('documents', 'a list of strings');
  return documents.map((document, index) => {
    const text = isJsonObject(document) ? document.text : document;
    if (typeof text !== 'string') throw invalidParam(`documents.${index}`, 'a string, or an object with a `text`');
    return text;
  });
}
