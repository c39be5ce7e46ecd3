import { HostError } from '../../../host/common/errors.ts';
import type { HostEvent } from '../../../host/protocol/messages.ts';
import type { HostClient, HostRequestOptions } from '../../../host/serve/host-client.ts';

/** A request that a scripted host received. */
export interface Received {
  readonly action: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly options: HostRequestOptions;
}

/** Returns the payload of a reply. It may emit events, wait, or throw a `HostError`. */
export type Script = (received: Received) => object | Promise<object>;

export const MODEL = 'owner/repo/model.gguf';

/** A host with one loaded model. Tests define its replies to other actions. */
export class ScriptedHost implements HostClient {
  readonly received: Received[] = [];
  readonly scripts: Record<string, Script>;

  constructor(scripts: Record<string, Script> = {}) {
    this.scripts = {
      GET_LOADED_MODELS: () => ({
        models: [{ modelId: MODEL, loaded_at: 1_000.5, capabilities: ['generate'], config: { context_size: 512 } }],
      }),
      GET_DOWNLOADED_MODELS: () => ({ models: [] }),
      GET_CURRENT_MODEL: () => ({ modelId: MODEL }),
      ...scripts,
    };
  }

  /** Returns the fields of all requests for an action. */
  requestsOf(action: string) {
    return this.received.filter((one) => one.action === action).map(({ fields }) => fields);
  }

  // Typed as `never`, so that a payload is assignable to that of any action.
  async request(action: string, fields = {}, options: HostRequestOptions = {}): Promise<never> {
    const received = { action, fields, options };
    this.received.push(received);
    const script = this.scripts[action];
    if (script === undefined) throw new HostError('UNKNOWN_ACTION', `No script for ${action}`);
    return { status: 'success', payload: await script(received) } as never;
  }

  async all<T>(action: string, itemsOf: (payload: never) => readonly T[]): Promise<T[]> {
    const { payload } = (await this.request(action)) as { payload: never };
    return [...itemsOf(payload)];
  }
}

/** Returns the payload of a reply to GENERATE. */
export function generated(fields: object = {}): object {
  return {
    modelId: MODEL,
    output: 'Hello',
    finishReason: 'stop',
    usage: { promptTokens: 3, cachedPromptTokens: 1, completionTokens: 2, reasoningTokens: 0 },
    ...fields,
  };
}

/** Returns an event with text of an answer. */
export function text(token: string, reasoning?: string): HostEvent {
  const payload = { modelId: MODEL, token, tps: 1, numTokens: 1, ...(reasoning === undefined ? {} : { reasoning }) };
  return { type: 'generationUpdate', payload };
}
