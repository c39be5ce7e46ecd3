/** How long a hub that did not answer is not asked again by requests that do not need it, milliseconds. */
const SILENCE_MS = 20_000;

/** Whether the hub has recently not answered. */
export class HubSilence {
  #end = Number.NEGATIVE_INFINITY;

  get isRecent(): boolean {
    return performance.now() < this.#end;
  }

  /** Records that the hub did not answer. */
  record(): void {
    this.#end = performance.now() + SILENCE_MS;
  }
}
