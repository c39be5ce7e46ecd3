/** Lines of llama.cpp's log kept for the explanation of a fault. */
const MAX_LINES = 40;

/**
 * How llama.cpp and its backends say that memory could not be had. They give no code for it, so their words have to
 * do. Sources: `ggml-backend.cpp`, `ggml-cuda.cu`, `llama-model.cpp`, `llama-kv-cache.cpp`.
 */
const OUT_OF_MEMORY =
  /(failed|unable) to (re)?(allocate|alloc|reserve)|out of memory|cudaMalloc failed|ErrorOutOfDeviceMemory/i;

/** llama.cpp's warnings and errors: kept to explain a fault, and passed on to stderr for the supervisor's tail. */
export class LlamaLog {
  #lines: { readonly level: string; readonly text: string }[] = [];

  add(level: string, message: string): void {
    for (const text of message.split('\n')) if (text.trim() !== '') this.#lines.push({ level, text: text.trim() });
    this.#lines = this.#lines.slice(-MAX_LINES);
    process.stderr.write(`[${level}] ${message.trimEnd()}\n`);
  }

  clear(): void {
    this.#lines = [];
  }

  /** The lines that tell of errors, oldest first. */
  errors(): string[] {
    return this.#lines.filter(({ level }) => level === 'error' || level === 'fatal').map(({ text }) => text);
  }

  saysOutOfMemory(): boolean {
    return this.#lines.some(({ text }) => OUT_OF_MEMORY.test(text));
  }
}
