import { Readable } from 'node:stream';

/** What a terminal sends before and after a pasted text, once {@link ENABLE_PASTE} has been written to it (xterm). */
const PASTE_START = '\u001b[200~';
const PASTE_END = '\u001b[201~';
export const ENABLE_PASTE = '\u001b[?2004h';
export const DISABLE_PASTE = '\u001b[?2004l';

const CTRL_C = '\u0003';

/** Longest pasted text, characters. Longer ones are cut; they fit in no context. */
const MAX_PASTE = 4_000_000;

/** Longest text typed ahead, characters. The rest is dropped. */
const MAX_TYPED_AHEAD = 10_000;

/** The part of a terminal's input stream that is used. */
export type KeyInput = Pick<NodeJS.ReadStream, 'on' | 'off' | 'setEncoding' | 'pause' | 'resume'> & {
  setRawMode?: (mode: boolean) => unknown;
};

/**
 * The keys typed at a terminal, as input for `node:readline`, which does not support pasted texts of several lines: it
 * would take each line as a separate one. While keys are held, only Ctrl-C has an effect.
 */
export class Keyboard extends Readable {
  readonly #stdin: KeyInput;
  readonly #onPaste: (text: string) => string;
  readonly #onCtrlC: () => void;
  readonly #onData = (text: string) => this.#take(text);
  readonly #onEnd = () => this.push(null);
  /** The pasted text so far, while one arrives. */
  #pasted: string | undefined;
  /** The start of a marker whose rest has not arrived. */
  #partial = '';
  /** What was typed while keys are held. */
  #held: string | undefined;

  /**
   * @param options.onPaste Returns what to insert for a pasted text.
   * @param options.onCtrlC Called for Ctrl-C while keys are held; otherwise readline reports it.
   */
  constructor(stdin: KeyInput, options: { onPaste: (text: string) => string; onCtrlC: () => void }) {
    super({ encoding: 'utf8' });
    this.#stdin = stdin;
    this.#onPaste = options.onPaste;
    this.#onCtrlC = options.onCtrlC;
    stdin.setEncoding('utf8');
    stdin.on('data', this.#onData);
    stdin.on('end', this.#onEnd);
  }

  /** Called by readline, which needs single key presses. */
  setRawMode(mode: boolean): void {
    this.#stdin.setRawMode?.(mode);
  }

  /** Buffers the keys that are typed until {@link release}. */
  hold(): void {
    this.#held ??= '';
  }

  /** Delivers the buffered keys. */
  release(): void {
    const typed = this.#held ?? '';
    this.#held = undefined;
    if (typed !== '') this.#take(typed);
  }

  /** Stops reading from the terminal. */
  close(): void {
    this.#stdin.off('data', this.#onData);
    this.#stdin.off('end', this.#onEnd);
    this.#stdin.pause();
  }

  override _read(): void {
    this.#stdin.resume();
  }

  #take(text: string): void {
    if (this.#held === undefined) {
      this.#deliver(this.#partial + text);
      return;
    }
    const [typed, ...interrupts] = text.split(CTRL_C);
    this.#held = (this.#held + typed).slice(0, MAX_TYPED_AHEAD);
    for (const after of interrupts) {
      // Ctrl-C also discards what was typed before it, as in a shell.
      this.#held = after.slice(0, MAX_TYPED_AHEAD);
      this.#onCtrlC();
    }
  }

  /** Delivers keys as they are, and pasted texts as {@link LongTexts} shows them. */
  #deliver(text: string): void {
    this.#partial = '';
    let rest = text;
    while (rest !== '') {
      const marker = this.#pasted === undefined ? PASTE_START : PASTE_END;
      const at = rest.indexOf(marker);
      const end = at >= 0 ? at : rest.length - partialLength(rest, marker);
      this.#add(rest.slice(0, end));
      if (at < 0) {
        this.#partial = rest.slice(end);
        return;
      }
      this.#turn();
      rest = rest.slice(at + marker.length);
    }
  }

  #add(text: string): void {
    if (text === '') return;
    if (this.#pasted === undefined) this.push(text);
    else this.#pasted = (this.#pasted + text).slice(0, MAX_PASTE);
  }

  /** Starts a pasted text, or ends and delivers it. */
  #turn(): void {
    const pasted = this.#pasted;
    this.#pasted = pasted === undefined ? '' : undefined;
    if (pasted === undefined) return;
    // A terminal sends the key that was pressed for each line end.
    const text = pasted.replace(/\r\n?/g, '\n').replace(/\n+$/, '');
    const shown = this.#onPaste(text);
    if (shown !== '') this.push(shown);
  }
}

/** Returns how many characters at the end of a text may be the start of a marker. A lone escape is the Esc key. */
function partialLength(text: string, marker: string): number {
  for (let length = Math.min(marker.length - 1, text.length); length > 1; length -= 1) {
    if (text.endsWith(marker.slice(0, length))) return length;
  }
  return 0;
}
