import type { HostEvent } from '../../host/protocol/messages.ts';

/** The progress of all downloads and loads together, as the badge of the toolbar button shows it. */
export class DownloadBadge {
  readonly #show: (text: string) => void;
  /** By the id of the request. */
  readonly #progress = new Map<string, { readonly loaded: number; readonly total: number }>();
  #text = '';

  /** @param show Sets the text of the badge; an empty one removes it. */
  constructor(show: (text: string) => void) {
    this.#show = show;
  }

  /** Applies an event of the host. */
  apply({ type, payload, requestId }: HostEvent): void {
    if (type !== 'MODEL_DOWNLOAD_PROGRESS' && type !== 'modelWorkerLoadingProgress') return;
    const { loaded, total } = payload;
    if (requestId === undefined || loaded === undefined || !total) return;
    this.#progress.set(String(requestId), { loaded, total });
    this.#draw();
  }

  /** Removes a request that has ended. */
  end(requestId: string): void {
    if (this.#progress.delete(requestId)) this.#draw();
  }

  #draw(): void {
    const all = [...this.#progress.values()];
    const sum = (key: 'loaded' | 'total') => all.reduce((total, progress) => total + progress[key], 0);
    const text = all.length === 0 ? '' : `${Math.floor((sum('loaded') / sum('total')) * 100)}%`;
    if (text === this.#text) return;
    this.#text = text;
    this.#show(text);
  }
}
