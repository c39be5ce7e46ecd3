import { overlap } from '../common/text-overlap.ts';
import { derive, isDone } from '../grammar/derive.ts';
import {
  choice,
  EMPTY,
  type Expression,
  isNothing,
  NOTHING,
  oneOf,
  repeat,
  sequence,
  text,
} from '../grammar/expression.ts';
import { type CallLanguage, following } from './call-format.ts';
import { CodeTracker } from './code-tracker.ts';
import { newCallId, type ToolCall } from './tool-function.ts';

/** A piece of an answer: text or a tool call. */
export type CallPart = { readonly text: string } | { readonly call: ToolCall };

/** Longest call, characters. Its grammar has no limit on the length of texts. */
const MAX_CALL_CHARACTERS = 256 * 1024;

/** A constraint on what the model writes next. */
export interface CallConstraint {
  readonly expression: Expression;
}

/** Options of a reader. */
export interface CallReaderOptions {
  readonly language: CallLanguage;
  readonly isParallel: boolean;
  /** Whether the answer must be a call. */
  readonly isForced: boolean;
}

const LEADING_GAP = repeat(oneOf([0x9, 0xa], [0x20, 0x20]), 0, 4);

/**
 * Separates tool calls from the text of an answer as it arrives. Once a call is certain, `constraint` is set, so every
 * call is complete and valid.
 */
export class CallReader {
  readonly #language: CallLanguage;
  readonly #triggers: readonly string[];
  readonly #code = new CodeTracker();
  readonly #first: Expression;
  readonly #further: Expression;
  readonly #tail: Expression;
  #constraint: CallConstraint | undefined;
  #isConstrained = false;
  /** What may follow in the current step: a call, or the separator between calls. Undefined outside calls. */
  #step: Expression | undefined;
  /** What may follow until the end of the calls, before the model is constrained to it. */
  #rest: Expression = NOTHING;
  /** The text of the current step. */
  #written = '';
  /** Whether the text of the step is certain to be a call. */
  #isCertain = false;
  /** Text that has not been returned yet: it may begin a call, or be white space before one. */
  #waiting = '';
  #isAtStart = true;
  #calls = 0;

  constructor({ language, isParallel, isForced }: CallReaderOptions) {
    this.#language = language;
    const { format, open, call, next, close } = language;
    this.#triggers = format.triggers;
    this.#first = sequence(open, call);
    this.#tail = following(language, isParallel);
    this.#further = choice(next !== undefined && isParallel ? sequence(next, call) : NOTHING, close);
    if (isForced) this.#force();
    else if (format.isOpened === true) this.#beginOpened();
  }

  /** The constraint on what the model writes next; undefined if there is none. A new object after each change. */
  get constraint(): CallConstraint | undefined {
    // Not before the whole token is read that makes a call certain: the model continues after it.
    if (this.#isConstrained) this.#constraint ??= { expression: this.#rest };
    return this.#constraint;
  }

  /** Whether text and markers belong to a call. */
  get isInCall(): boolean {
    return this.#isCertain;
  }

  /** Whether a required call has not started. */
  get isWaiting(): boolean {
    return this.#isCertain && this.#written === '' && this.#calls === 0;
  }

  get callCount(): number {
    return this.#calls;
  }

  /** Adds text of the answer. */
  text(piece: string): CallPart[] {
    const parts: CallPart[] = [];
    let rest = piece;
    while (rest !== '') rest = this.#step === undefined ? this.#outside(rest, parts) : this.#inside(rest, parts);
    return parts;
  }

  /** Adds a control token, which is markup and never text of the answer. */
  marker(marker: string): CallPart[] {
    const parts: CallPart[] = [];
    if (
      this.#step === undefined &&
      !this.#triggers.some((trigger) => marker.startsWith(trigger) || trigger.startsWith(marker))
    ) {
      return parts;
    }
    if (this.#step === undefined) {
      this.#waiting = this.#waiting.trimEnd();
      this.#release(parts);
      this.#begin();
    }
    this.#isCertain = true;
    this.#inside(marker, parts);
    if (this.#step !== undefined && this.#isCertain) this.#constrain();
    return parts;
  }

  /** Ends the answer, and returns the remaining text. An incomplete call is dropped. */
  end(): CallPart[] {
    const parts: CallPart[] = [];
    if (this.#step !== undefined && !this.#isCertain) this.#waiting += this.#written;
    const isCut = this.#step !== undefined && this.#isCertain;
    this.#step = undefined;
    if (this.#calls > 0 || isCut) this.#waiting = this.#waiting.trimEnd();
    this.#release(parts);
    return parts;
  }

  #force(): void {
    const first = this.#language.format.isOpened === true ? this.#openedStep() : this.#first;
    this.#begin(sequence(LEADING_GAP, first));
    this.#constrain();
  }

  /** Starts an answer after the trigger: with the name of a function, or the name that announces text. */
  #beginOpened(): void {
    const { textName = '' } = this.#language.format;
    this.#begin(this.#openedStep());
    this.#step = choice(text(textName), this.#openedStep());
    this.#rest = choice(text(textName), this.#rest);
    this.#constrain();
  }

  #openedStep(): Expression {
    const [trigger = ''] = this.#triggers;
    return derive(this.#first, trigger);
  }

  #begin(step = this.#first): void {
    this.#step = step;
    this.#rest = sequence(step, this.#tail);
    this.#written = '';
    this.#isCertain = false;
    this.#unconstrain();
  }

  /** Constrains the model to calls. */
  #constrain(): void {
    this.#isCertain = true;
    this.#isConstrained = true;
  }

  #unconstrain(): void {
    this.#isConstrained = false;
    this.#constraint = undefined;
  }

  /** Looks for the beginning of a call in text. Returns the text from there on. */
  #outside(piece: string, parts: CallPart[]): string {
    const whole = this.#waiting + piece;
    const { isBare } = this.#language.format;
    const begin = /\S/.exec(whole)?.index;
    if (this.#isAtStart && isBare === true && begin !== undefined && this.#canBegin(whole.slice(begin))) {
      this.#waiting = whole.slice(0, begin);
      this.#begin();
      return whole.slice(begin);
    }
    const found = this.#find(whole);
    if (found !== undefined) {
      this.#waiting = whole.slice(0, found.at);
      this.#code.text(this.#waiting);
      this.#begin();
      return whole.slice(found.at);
    }
    const partial = Math.max(0, ...this.#triggers.map((trigger) => overlap(whole, trigger)));
    // White space before a call is part of neither text nor call.
    const kept = whole.slice(0, whole.length - partial).trimEnd().length;
    if (whole.slice(0, kept) !== '') this.#isAtStart = false;
    this.#waiting = whole.slice(0, kept);
    this.#code.text(this.#waiting);
    this.#release(parts);
    this.#waiting = whole.slice(kept);
    return '';
  }

  #canBegin(text: string): boolean {
    return !isNothing(derive(this.#first, text[0] ?? ''));
  }

  /** Finds the first trigger that is not part of code. */
  #find(whole: string): { at: number } | undefined {
    const places = this.#triggers.flatMap((trigger) => {
      const found: number[] = [];
      for (let at = whole.indexOf(trigger); at >= 0; at = whole.indexOf(trigger, at + 1)) found.push(at);
      return found;
    });
    const at = places.sort((a, b) => a - b).find((place) => !this.#code.isCodeAfter(whole.slice(0, place)));
    return at === undefined ? undefined : { at };
  }

  /** Reads the current step of a call. Returns the text after it. */
  #inside(piece: string, parts: CallPart[]): string {
    let step = this.#step ?? EMPTY;
    for (const [index, character] of [...piece].entries()) {
      const next = derive(step, character);
      if (isNothing(next)) return this.#failed([...piece].slice(index).join(''), parts);
      step = next;
      this.#step = next;
      if (this.#constraint === undefined) this.#rest = derive(this.#rest, character);
      this.#written += character;
      if (this.#written.length > MAX_CALL_CHARACTERS) return this.#failed([...piece].slice(index + 1).join(''), parts);
      if (isDone(step)) {
        this.#done(parts);
        return [...piece].slice(index + 1).join('');
      }
      if (!this.#isCertain && this.#commits()) this.#constrain();
    }
    return '';
  }

  #commits(): boolean {
    const { commits } = this.#language.format;
    const afterTriggers = this.#triggers
      .filter((trigger) => this.#written.startsWith(trigger))
      .map((trigger) => this.#written.slice(trigger.length));
    if (commits === 'trigger') return afterTriggers.length > 0;
    if (commits === 'begin' && afterTriggers.length > 0) return afterTriggers.some((text) => text.trim() !== '');
    return this.#language.names.some((name) => this.#written.includes(name));
  }

  /** Completes a step: a call, or the end of a list. */
  #done(parts: CallPart[]): void {
    const { format } = this.#language;
    const isText = format.textName !== undefined && this.#written === format.textName;
    const read = isText ? undefined : this.#language.read(this.#written);
    if (read !== undefined) {
      // Text before a call is returned, white space is not.
      this.#waiting = this.#waiting.trimEnd();
      this.#release(parts);
      parts.push({
        call: { id: read.id ?? newCallId(), name: read.name, arguments: JSON.stringify(read.arguments) },
      });
      this.#calls += 1;
    }
    this.#written = '';
    this.#waiting = '';
    const continues = read !== undefined && !isDone(this.#further);
    if (continues) {
      this.#step = this.#further;
      this.#isCertain = true;
      return;
    }
    this.#step = undefined;
    this.#isCertain = false;
    this.#unconstrain();
    this.#isAtStart = format.isBare === true && read !== undefined;
  }

  /** Treats what looked like a call as text. */
  #failed(rest: string, parts: CallPart[]): string {
    const text = this.#written;
    this.#step = undefined;
    this.#written = '';
    this.#isCertain = false;
    this.#unconstrain();
    this.#isAtStart = false;
    this.#code.text(text);
    this.#waiting += text;
    this.#release(parts);
    return rest;
  }

  #release(parts: CallPart[]): void {
    if (this.#waiting !== '') parts.push({ text: this.#waiting });
    this.#waiting = '';
  }
}
