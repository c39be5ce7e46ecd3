import { HostError } from '../common/errors.ts';
import type { RequestId } from '../protocol/messages.ts';
import type { ModelName, ModelQuery } from '../protocol/model-name.ts';
import type { RemoteId } from '../protocol/remote-id.ts';
import type { Call } from './action.ts';
import { isMatch } from './download-requests.ts';

/** A model as a request for a load names it: a file, a quantization, a repository alone, or a remote model. */
export type LoadReference = ModelName | ModelQuery | RemoteId;

/** A LOAD_MODEL request from its arrival to its reply. */
interface PendingLoad {
  readonly requestId: RequestId | undefined;
  readonly reference: LoadReference;
  /** Undefined while the hub is asked which file is meant. */
  name: ModelName | RemoteId | undefined;
  /** Settles when `name` is known, or the request has ended. */
  readonly named: PromiseWithResolvers<void>;
  readonly ended: PromiseWithResolvers<void>;
  readonly controller: AbortController;
}

/**
 * The requests of this host's clients that load models, from their arrival on, so that a request to unload also reaches
 * what is still being looked up, downloaded or loaded. `run` and `cancel` are called before a handler awaits anything.
 */
export class LoadRequests {
  readonly #pending = new Set<PendingLoad>();

  /** Runs a request. The signal of the call that `load` gets is aborted by {@link cancel}, too. */
  async run<C extends Call, T>(
    reference: LoadReference,
    call: C,
    load: (call: C, onNamed: (name: ModelName | RemoteId) => void) => Promise<T>,
  ): Promise<T> {
    const pending: PendingLoad = {
      requestId: call.requestId,
      reference,
      name: undefined,
      named: Promise.withResolvers(),
      ended: Promise.withResolvers(),
      controller: new AbortController(),
    };
    this.#pending.add(pending);
    try {
      return await load({ ...call, signal: AbortSignal.any([call.signal, pending.controller.signal]) }, (name) => {
        pending.name = name;
        pending.named.resolve();
      });
    } finally {
      this.#pending.delete(pending);
      pending.named.resolve();
      pending.ended.resolve();
    }
  }

  /**
   * Cancels earlier requests: that with an id, those for a model, or with neither all. Resolves with the ids of their
   * models when they have ended.
   */
  async cancel({
    reference,
    targetRequestId,
  }: {
    reference?: LoadReference | undefined;
    targetRequestId?: RequestId | undefined;
  } = {}): Promise<string[]> {
    const cancelled = [...this.#pending].map(async (pending) => {
      if (targetRequestId !== undefined && pending.requestId !== targetRequestId) return undefined;
      if (reference !== undefined && !(await isMeant(pending, reference))) return undefined;
      pending.controller.abort(new HostError('CANCELLED', 'The load was cancelled.'));
      await pending.ended.promise;
      return textOf(pending.name ?? pending.reference);
    });
    return (await Promise.all(cancelled)).filter((id) => id !== undefined);
  }
}

async function isMeant(pending: PendingLoad, reference: LoadReference): Promise<boolean> {
  if (textOf(pending.reference).toUpperCase() === textOf(reference).toUpperCase()) return true;
  if ('engine' in pending.reference || 'engine' in reference) return false;
  if (pending.reference.repoId !== reference.repoId) return false;
  await pending.named.promise;
  const { name } = pending;
  return name !== undefined && !('engine' in name) && isMatch(name, reference);
}

/** A reference as a user types it. */
function textOf(reference: LoadReference): string {
  if ('id' in reference) return reference.id;
  const { repoId, quantization, revision } = reference;
  const suffix = quantization === undefined ? '' : `:${quantization}`;
  return `${repoId}${revision === 'main' ? '' : `@${revision}`}${suffix}`;
}
