/** Bytes kept of a runner's output: enough for llama.cpp's log of one load. */
const MAX_TAIL_BYTES = 64 * 1024;

/** Characters of a line that are returned: some contain texts of the model's file. */
const MAX_LINE_CHARACTERS = 500;

/** A line of a stack trace of Node or its crash reporter; the reason is in the lines before it. */
const FRAME = /^\s*(at |\d+: )|^----- /;

/** The end of a stream of text. It keeps pieces and drops the first ones; nothing is copied while text arrives. */
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

  /** The last `count` lines that are not empty, oldest first. */
  lines(count: number): string[] {
    const text = Buffer.concat(this.#pieces).subarray(-MAX_TAIL_BYTES).toString('utf8');
    return text
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '' && !FRAME.test(line))
      .slice(-count)
      .map((line) => line.slice(0, MAX_LINE_CHARACTERS));
  }
}
