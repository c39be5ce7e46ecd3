import { HostError, isHostError } from '../common/errors.ts';
import { downloadNotFound } from '../common/host-errors.ts';
import { KeyedQueue } from '../common/keyed-queue.ts';
import type { DownloadStatus } from '../model-files/types.ts';
import type { RequestId } from '../protocol/messages.ts';
import { isSameRepository, type ModelName, repositoryKey } from '../protocol/model-name.ts';
import { isMatch, isSameReference, type ModelReference, type PendingCall, referenceText } from './reference.ts';

/** A running request that downloads a model. */
interface StartRequest {
  readonly reference: ModelReference;
  readonly requestId: RequestId | undefined;
  readonly controller: AbortController;
  /** Undefined until the file is known. Finding it may require a request to the hub. */
  name: ModelName | undefined;
  /** Resolves when `name` is known or the request has ended. */
  readonly named: Promise<void>;
}

/** A download that was stopped before its file was known. `id` is the name in the request. */
export interface UnnamedDownload {
  readonly id: string;
  readonly repoId: string;
}

/** Options for stopping a download. */
export interface StopOptions {
  /** The download; undefined if only `targetRequestId` is given. */
  readonly reference: ModelReference | undefined;
  /** The id of the request that started it. */
  readonly targetRequestId: RequestId | undefined;
  /** Returns the error for the requests that wait for the download. `id` is the id of the model. */
  readonly reason: (id: string) => HostError;
  /** Whether to stop requests whose file is not known yet. Otherwise, waits until it is known. */
  readonly stopsUnnamed: boolean;
  /** Finds the download in the cache that `reference` names. */
  readonly find: () => Promise<ModelName>;
  /** Stops the download in the cache. `isStarting`: whether a request of this host is about to start it. */
  readonly stop: (name: ModelName, isStarting: boolean) => Promise<DownloadStatus>;
}

/**
 * The requests of this host's clients that concern downloads, in order of arrival. A stop affects every start that
 * arrived before it, even one that has not reached the cache yet, and none that arrived after it.
 *
 * A handler must call `start` or `stop` before it awaits anything; otherwise, the order could change.
 */
export class DownloadRequests {
  readonly #starts = new Set<StartRequest>();
  /** Runs the stops and resumes of a repository one after the other. */
  readonly #queue = new KeyedQueue();

  /**
   * Runs a request that downloads a model.
   *
   * @param resolve Finds the model.
   * @param work Downloads it. A stop also aborts the signal of the call that `work` gets, until `work` calls
   *   `onDownloaded`, which it does before it continues with anything other than the download.
   */
  async start<C extends PendingCall, T>(
    reference: ModelReference,
    call: C,
    resolve: (call: C) => Promise<ModelName>,
    work: (name: ModelName, call: C, onDownloaded: () => void) => Promise<T>,
  ): Promise<T> {
    const controller = new AbortController();
    const { promise: named, resolve: settleNamed } = Promise.withResolvers<void>();
    const name = 'file' in reference ? reference : undefined;
    const request: StartRequest = { reference, requestId: call.requestId, controller, name, named };
    this.#starts.add(request);
    const signal = AbortSignal.any([call.signal, controller.signal]);
    const stoppable: C = { ...call, signal };
    try {
      await this.inOrder(reference, async () => {});
      signal.throwIfAborted();
      request.name = await resolve(stoppable);
      settleNamed();
      signal.throwIfAborted();
      return await work(request.name, stoppable, () => this.#starts.delete(request));
    } finally {
      settleNamed();
      this.#starts.delete(request);
    }
  }

  /** Runs `work` on a download after every earlier stop and resume of its repository. */
  inOrder<T>(reference: ModelReference, work: () => Promise<T>): Promise<T> {
    return this.#queue.run(repositoryKey(reference), work);
  }

  /** Stops a download and returns its status. */
  async stop(options: StopOptions): Promise<DownloadStatus | UnnamedDownload> {
    const { reference, targetRequestId, reason, stopsUnnamed } = options;
    const earlier = [...this.#starts];
    const target = earlier.find(({ requestId }) => targetRequestId !== undefined && requestId === targetRequestId);
    const about = target?.reference ?? reference;
    if (about === undefined || (targetRequestId !== undefined && target === undefined)) {
      throw downloadNotFound(`request ${targetRequestId}`);
    }
    return this.inOrder(about, async () => {
      let hasStoppedUnnamed = false;
      const named = new Map<string, ModelName>();
      const stopped: StartRequest[] = [];
      for (const request of target === undefined ? earlier : [target]) {
        if (!isSameRepository(request.reference, about) || !this.#starts.has(request)) continue;
        const isMeant = request === target || isSameReference(request.reference, about);
        if (request.name === undefined && isMeant && stopsUnnamed) {
          hasStoppedUnnamed = true;
          request.controller.abort(reason(referenceText(about)));
          continue;
        }
        await request.named;
        const { name } = request;
        if (name === undefined || !(isMeant || isMatch(name, about))) continue;
        named.set(name.id, name);
        stopped.push(request);
      }
      if (named.size > 1) throw severalDownloads(about, [...named.values()]);
      for (const request of stopped) request.controller.abort(reason(request.name?.id ?? referenceText(about)));
      const [name] = named.values();
      if (name !== undefined) return options.stop(name, true);
      try {
        return await options.stop(await options.find(), false);
      } catch (error) {
        // The cache does not have the download, because it was stopped before it reached the cache.
        if (hasStoppedUnnamed && isHostError(error)) return { id: referenceText(about), repoId: about.repoId };
        throw error;
      }
    });
  }
}

/** Returns the error for a request whose reference matches several downloads. */
export function severalDownloads(reference: ModelReference, names: readonly ModelName[]): HostError {
  const ids = names.map(({ id }) => id);
  return new HostError(
    'INVALID_REQUEST',
    `${referenceText(reference)} matches several downloads: ${ids.join(', ')}. Name the file.`,
    {
      details: { field: 'modelFile', expected: 'the file of one download', models: ids },
    },
  );
}
