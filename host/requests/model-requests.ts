import type { HostError } from '../common/errors.ts';
import type { RequestId } from '../protocol/messages.ts';
import { isSameRepository, type ModelName } from '../protocol/model-name.ts';
import type { RemoteId } from '../protocol/remote-id.ts';
import { type AnyModelReference, isMatch, isSameReference, type PendingCall, referenceText } from './reference.ts';

/** A request from its arrival to its reply. */
interface PendingRequest {
  readonly requestId: RequestId | undefined;
  /** Undefined for a request about all models. */
  readonly reference: AnyModelReference | undefined;
  /** Undefined until the file is known. Finding it may require a request to the hub. */
  name: ModelName | RemoteId | undefined;
  /** Resolves when `name` is known or the request has ended. */
  readonly named: PromiseWithResolvers<void>;
  readonly ended: PromiseWithResolvers<void>;
  readonly controller: AbortController;
}

/**
 * The requests of this host's clients that do one kind of work on models. They are registered on arrival, so a
 * cancellation also affects those whose model is still being looked up. A handler must call `run` or `cancel` before it
 * awaits anything.
 */
export class ModelRequests {
  readonly #pending = new Set<PendingRequest>();
  readonly #reason: () => HostError;

  /** @param reason Returns the error with which a cancelled request fails. */
  constructor(reason: () => HostError) {
    this.#reason = reason;
  }

  /** Runs a request. {@link cancel} aborts the signal of the call that `work` gets. */
  async run<C extends PendingCall, T>(
    reference: AnyModelReference | undefined,
    call: C,
    work: (call: C, onNamed: (name: ModelName | RemoteId) => void) => Promise<T>,
  ): Promise<T> {
    const pending: PendingRequest = {
      requestId: call.requestId,
      reference,
      name: undefined,
      named: Promise.withResolvers(),
      ended: Promise.withResolvers(),
      controller: new AbortController(),
    };
    this.#pending.add(pending);
    try {
      return await work({ ...call, signal: AbortSignal.any([call.signal, pending.controller.signal]) }, (name) => {
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
   * Cancels earlier requests: the one with an id, those for a model, or all if neither is given. Resolves with the ids
   * of their models once they have ended.
   */
  async cancel({
    reference,
    targetRequestId,
  }: {
    reference?: AnyModelReference | undefined;
    targetRequestId?: RequestId | undefined;
  } = {}): Promise<string[]> {
    const cancelled = [...this.#pending].map(async (pending) => {
      if (targetRequestId !== undefined && pending.requestId !== targetRequestId) return undefined;
      if (reference !== undefined && !(await isFor(pending, reference))) return undefined;
      if (!this.#pending.has(pending)) return undefined;
      pending.controller.abort(this.#reason());
      await pending.ended.promise;
      const model = pending.name ?? pending.reference;
      return model === undefined ? '' : referenceText(model);
    });
    return (await Promise.all(cancelled)).filter((id) => id !== undefined);
  }
}

/** Returns whether a reference names the model of a request. Waits until the model is known. */
async function isFor(pending: PendingRequest, reference: AnyModelReference): Promise<boolean> {
  if (pending.reference === undefined) return false;
  if ('engine' in pending.reference || 'engine' in reference)
    return referenceText(pending.reference) === referenceText(reference);
  if (isSameReference(pending.reference, reference)) return true;
  if (!isSameRepository(pending.reference, reference)) return false;
  await pending.named.promise;
  const { name } = pending;
  return name !== undefined && !('engine' in name) && isMatch(name, reference);
}
