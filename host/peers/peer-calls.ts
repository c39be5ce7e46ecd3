import { HostError } from '../common/errors.ts';
import type { JsonObject } from '../common/json.ts';
import { validate } from '../common/validate.ts';
import type { EmbedRequest, RankRequest } from '../models/embedding.ts';
import type { GenerateRequest, PromptInput } from '../models/generation.ts';
import type { ModelRegistry } from '../models/model-registry.ts';
import { PeerRequest, PROGRESS, pack } from './peer-protocol.ts';

/** Sends an event of a request. */
export type PeerEmit = (event: { type: string; payload: object }) => void;

let connections = 0;

/** Handles the requests of one connection. Another host of the user derives them from the requests of its clients. */
export class PeerCalls {
  readonly #models: ModelRegistry;
  readonly #id: string;
  /** Prefix of the tags of this connection's generations. Generations are stopped by their tags. */
  readonly #tag: string;
  readonly #running = new Map<number, AbortController>();

  constructor(models: ModelRegistry, id: string) {
    this.#models = models;
    this.#id = id;
    connections += 1;
    this.#tag = `peer-${connections}-`;
  }

  /** Answers a message. @throws HostError `INVALID_REQUEST`; errors of the model. */
  async handle(message: JsonObject, call: { signal: AbortSignal; emit: PeerEmit }): Promise<object> {
    const { success, output } = validate(PeerRequest, message);
    if (!success)
      throw new HostError('INVALID_REQUEST', 'The other host sent a request that this version does not know.');
    const own = new AbortController();
    this.#running.set(output.requestId, own);
    try {
      return { value: await this.#run(output, AbortSignal.any([call.signal, own.signal]), call.emit) };
    } finally {
      this.#running.delete(output.requestId);
    }
  }

  // The casts are safe: both hosts have the same version, and the other one has validated its client's request.
  async #run({ action, requestId, request, target }: PeerRequest, signal: AbortSignal, emit: PeerEmit) {
    const models = this.#models;
    const id = this.#id;
    switch (action) {
      case 'GENERATE':
        return models.generate(id, request as GenerateRequest, {
          signal,
          tag: `${this.#tag}${requestId}`,
          onProgress: (payload) => emit({ type: PROGRESS, payload }),
        });
      case 'RENDER':
        return models.render(id, request as PromptInput, signal);
      case 'COUNT':
        return models.countTokens(id, request as string[], signal);
      case 'EMBED':
        return (await models.embed(id, request as EmbedRequest, signal)).map(pack);
      case 'RANK':
        return models.rank(id, request as RankRequest, signal);
      case 'STOP': {
        const tag = target === undefined ? undefined : `${this.#tag}${target}`;
        return models.stopGenerations({ id, tag }).reduce((sum, { count }) => sum + count, 0);
      }
      case 'CANCEL':
        this.#running.get(target ?? -1)?.abort(new HostError('ABORTED', 'The request was cancelled.'));
        return null;
      case 'LOAD':
        throw new HostError('INVALID_REQUEST', 'This connection is for one model and cannot load others.');
      case 'UNLOAD':
        return models.unload(id, { reason: 'request' });
    }
  }
}
