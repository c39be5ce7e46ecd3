/** A short notice at the bottom of a page, with at most one button. */
export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly action: { readonly label: string; readonly run: () => void } | undefined;
  /** Whether it stays until the work that it is about has ended. */
  readonly isPending?: boolean;
}

/** How long a notice stays, milliseconds. One with a button stays longer, so that there is time to reach it. */
const NOTICE_MS = 5_000;
const ACTION_MS = 12_000;

/** The notices of a page. One that has the focus or the pointer stays until that leaves. */
export class Toasts {
  items = $state.raw<readonly Toast[]>([]);
  #nextId = 1;
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();

  /** Shows a notice; a later one is shown below it. */
  show(text: string, action?: Toast['action']): void {
    const toast = { id: this.#nextId++, text, action };
    this.items = [...this.items, toast];
    this.resume(toast);
  }

  /** Shows a notice until `work` has ended, and returns what it returned. */
  async showDuring<T>(text: string, work: Promise<T>): Promise<T> {
    const toast = { id: this.#nextId++, text, action: undefined, isPending: true };
    this.items = [...this.items, toast];
    try {
      return await work;
    } finally {
      this.dismiss(toast.id);
    }
  }

  /** Starts the time after which a notice disappears. */
  resume({ id, action, isPending = false }: Toast): void {
    this.pause(id);
    if (isPending) return;
    const timer = setTimeout(() => this.dismiss(id), action === undefined ? NOTICE_MS : ACTION_MS);
    this.#timers.set(id, timer);
  }

  /** Lets a notice stay. */
  pause(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  dismiss(id: number): void {
    this.pause(id);
    this.items = this.items.filter((toast) => toast.id !== id);
  }
}
