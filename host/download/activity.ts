import type { RetryPause } from '../hub/retry.ts';
import type { DownloadActivity } from '../model-files/types.ts';
import type { ConnectionActivity } from './download-round.ts';

/** Time without new bytes after which a download counts as stalled, in milliseconds. */
const STALLED_AFTER_MS = 4_000;

/**
 * Detects whether a download is stalled, and reports its next step. Times are in Unix milliseconds.
 */
export class ActivityWatch {
  readonly #stallTimeoutMs: number;
  readonly #now: () => number;
  #bytes = 0;
  #changedAt: number;
  #connections: ConnectionActivity = { connections: 0, pause: undefined };
  #isAsking = false;

  /** @param stallTimeoutMs Time without a byte after which a connection is replaced, in milliseconds. */
  constructor(stallTimeoutMs: number, now: () => number = Date.now) {
    this.#stallTimeoutMs = stallTimeoutMs;
    this.#now = now;
    this.#changedAt = now();
  }

  /** Records the total number of bytes so far. */
  record(bytes: number): void {
    if (bytes !== this.#bytes) this.#changedAt = this.#now();
    this.#bytes = bytes;
  }

  /** Records the state of the connections. */
  set connections(activity: ConnectionActivity) {
    this.#connections = activity;
    this.#isAsking = false;
  }

  /** Records that a request waits for the hub, and the pauses between its attempts. */
  set asking(pause: RetryPause | undefined) {
    this.#connections = { connections: 0, pause };
    this.#isAsking = true;
  }

  get current(): DownloadActivity {
    const { connections, pause } = this.#connections;
    const isStalled = this.#now() - this.#changedAt >= STALLED_AFTER_MS;
    const stalledSince = isStalled ? Math.floor(this.#changedAt / 1000) : undefined;
    // While other connections receive bytes, the pause of one does not matter.
    if (pause !== undefined && (isStalled || connections === 0)) {
      const action = pause.reason === 'requested' ? 'wait' : 'retry';
      return { connections, stalledSince, next: { action, at: pause.until, code: pause.error.code } };
    }
    if (!isStalled || (connections === 0 && !this.#isAsking)) return { connections, stalledSince, next: undefined };
    const timeouts = Math.floor((this.#now() - this.#changedAt) / this.#stallTimeoutMs) + 1;
    const at = this.#changedAt + timeouts * this.#stallTimeoutMs;
    return { connections, stalledSince, next: { action: 'reconnect', at, code: undefined } };
  }
}
