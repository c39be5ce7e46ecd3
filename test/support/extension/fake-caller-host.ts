import { RequestError } from '../../../extension/host-connection.ts';
import type { CallerHost } from '../../../extension/worker/callers/models.ts';
import type { HostEvent } from '../../../host/protocol/messages.ts';

// biome-ignore lint/suspicious/noExplicitAny: each action has its own fields and payload.
type Any = any;

/**
 * A host with one loaded model, which counts one token per character. Tests can delay its answers with {@link waits}.
 */
export class FakeCallerHost implements CallerHost {
  readonly requests: { readonly action: string; readonly fields: Any }[] = [];
  loaded: string[] = ['model'];
  downloaded: string[] = ['model', 'other'];
  current: string | null = 'model';
  contextSize = 400;
  /** An action that fails, and its error. */
  failing: { readonly action: string; readonly error: RequestError } | undefined;
  /** Loads wait for this promise. */
  loading: Promise<void> | undefined;
  /** Whether generations wait for {@link finish}. */
  waits = false;
  readonly #listeners = new Set<(event: HostEvent) => void>();
  readonly #finish = new Map<string, (payload: object) => void>();
  #count = 0;

  get running(): number {
    return this.#finish.size;
  }

  request = async (action: string, fields: Any, onSent?: (requestId: string) => void): Promise<Any> => {
    this.requests.push({ action, fields });
    const requestId = `r${++this.#count}`;
    onSent?.(requestId);
    if (this.failing?.action === action) throw this.failing.error;
    switch (action) {
      case 'GET_CURRENT_MODEL':
        return { modelId: this.current };
      case 'GET_LOADED_MODELS':
        return {
          models: this.loaded.map((modelId) => ({
            modelId,
            capabilities: ['generate'],
            config: { context_size: this.contextSize },
          })),
        };
      case 'GET_DOWNLOADED_MODELS':
        return { models: this.downloaded.map((id) => ({ id })) };
      case 'GET_ACTIVE_DOWNLOADS':
        return { downloads: [] };
      case 'DOWNLOAD_MODEL':
        this.emit({ type: 'MODEL_DOWNLOAD_PROGRESS', payload: { modelId: fields.modelPath, progress: 50 } });
        this.downloaded.push(fields.modelPath);
        return {};
      case 'LOAD_MODEL':
        await this.loading;
        this.emit({ type: 'modelWorkerLoadingProgress', payload: { modelId: fields.modelPath, progress: 50 } });
        this.loaded.push(fields.modelPath);
        return {};
      case 'COUNT_TOKENS':
        return { tokens: fields.texts === undefined ? fields.messages[0].content.length + 2 : fields.texts[0].length };
      case 'GENERATE':
        return this.#generate(requestId);
      case 'STOP_GENERATION':
        this.finish({ finishReason: 'stopped' }, fields.targetRequestId);
        return {};
      default:
        throw new Error(`Unexpected ${action}`);
    }
  };

  onEvent = (listener: (event: HostEvent) => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  emit(event: object): void {
    for (const listener of this.#listeners) listener(event as HostEvent);
  }

  /**
   * Completes the generation of a request; by default the oldest one.
   *
   * @param more Fields that replace those of the default result.
   */
  finish(more: object = {}, requestId = [...this.#finish.keys()][0] ?? ''): void {
    const resolve = this.#finish.get(requestId);
    this.#finish.delete(requestId);
    resolve?.({ output: 'Hi.', finishReason: 'stop', usage: { promptTokens: 10, completionTokens: 3 }, ...more });
  }

  #generate(requestId: string): Promise<object> {
    return new Promise((resolve) => {
      this.#finish.set(requestId, resolve);
      this.emit({ type: 'generationUpdate', requestId, payload: { token: 'Hi.' } });
      if (!this.waits) this.finish({}, requestId);
    });
  }
}

/** An error of the host. */
export function hostError(code: string, details: Record<string, unknown> = {}): RequestError {
  return new RequestError(code as Any, 'In /home/me/models/secret.gguf.', details);
}
