import { setImmediate } from 'node:timers/promises';
import { type ErrorDetails, messageOf } from '../../common/errors.ts';

/** Lines of llama.cpp's log kept for the explanation of a fault. */
const MAX_LINES = 40;

/** Characters kept of a line: some contain texts of the model's file. */
const MAX_LINE_CHARACTERS = 500;

/** Turns of the event loop that llama.cpp's last lines may take to arrive: they cross from its threads by a queue. */
const SETTLING_TURNS = 20;

/**
 * The messages with which llama.cpp and its backends report that memory allocation failed. They have no error code for
 * it. Sources: `ggml-backend.cpp`, `ggml-cuda.cu`, `llama-model.cpp`, `llama-kv-cache.cpp`.
 */
const OUT_OF_MEMORY =
  /(failed|unable) to (re)?(allocate|alloc|reserve)|out of memory|cudaMalloc failed|ErrorOutOfDeviceMemory/i;

/** llama.cpp's warnings and errors: kept to explain a fault, and passed on to stderr for the supervisor's tail. */
export class LlamaLog {
  #lines: { readonly level: string; readonly text: string }[] = [];

  add(level: string, message: string): void {
    for (const text of message.split('\n'))
      if (text.trim() !== '') this.#lines.push({ level, text: text.trim().slice(0, MAX_LINE_CHARACTERS) });
    this.#lines = this.#lines.slice(-MAX_LINES);
    process.stderr.write(`[${level}] ${message.trimEnd()}\n`);
  }

  clear(): void {
    this.#lines = [];
  }

  /** The lines of errors, oldest first. */
  errors(): string[] {
    return this.#lines.filter(({ level }) => level === 'error' || level === 'fatal').map(({ text }) => text);
  }

  /** Resolves when an error has been logged, or none can arrive any longer. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < SETTLING_TURNS && this.errors().length === 0; turn++) await setImmediate();
  }

  /** Returns why something failed: the first error in the log, since the binding reports only that it failed. */
  async explain(error: unknown): Promise<{ readonly reason: string; readonly details: ErrorDetails }> {
    await this.settled();
    const errors = this.errors();
    const reported = messageOf(error);
    return { reason: errors[0] ?? reported, details: { reason: reported, log: errors } };
  }

  saysOutOfMemory(): boolean {
    return this.#lines.some(({ text }) => OUT_OF_MEMORY.test(text));
  }
}
