/** Bytes kept of what a runner printed: enough for llama.cpp's account of one load, and no more whatever it prints. */
const MAX_TAIL_BYTES = 64 * 1024;

/** A line of a stack trace, Node's or its crash reporter's: it names code, and the reason stands in the lines before. */
const FRAME = /^\s*(at |\d+: )|^----- /;

/** The end of a stream of text. It keeps pieces and drops from the front; nothing is copied while text comes. */
export class LogTail {
  readonly #pieces: Buffer[] = [];
  #bytes = 0;

  add(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    for (let first = this.#pieces[0]; first !== undefined && this.#bytes - first.length >= MAX_TAIL_BYTES; ) {
      this.#pieces.shift();
      this.#bytes -= first.length;
      first = this.#pieces[0];
    }
  }

  /** The last `count` lines that say something, oldest first. */
  lines(count: number): string[] {
    const text = Buffer.concat(this.#pieces).subarray(-MAX_TAIL_BYTES).toString('utf8');
    return text
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '' && !FRAME.test(line))
      .slice(-count);
  }
}
