import { describe, expect, it } from '@jest/globals';
import { ChatTemplateError, compileTemplate } from '../../../../host/chat-template/chat-template.ts';
import type { Model, Token } from '../../../../host/engine/runner/binding-types.ts';
import { MarkerTokens } from '../../../../host/engine/runner/generation/marker-tokens.ts';
import { Output } from '../../../../host/engine/runner/generation/output.ts';
import { promptCalls } from '../../../../host/engine/runner/generation/tool-calls.ts';
import { accepts } from '../../../../host/grammar/derive.ts';
import type { GenerationProgress } from '../../../../host/models/generation.ts';
import { detectMarkup, markersOf, type ReasoningMarkup } from '../../../../host/reasoning/formats.ts';
import type { CallFormat } from '../../../../host/tools/call-format.ts';
import type { CallConstraint } from '../../../../host/tools/call-reader.ts';
import { detectCallFormat, GENERIC_FORMAT, PROBE_CONVERSATION, PROBE_TOOL } from '../../../../host/tools/formats.ts';
import { type CallFamily, FAMILIES, TOOLS } from '../../../support/tools/families.ts';

/** Has characters of two, three and four bytes. */
const TOWN = 'Zürich – 🏔';
const REASONING = 'Hm – 🤔.';

/** A token: a control token by its text, or bytes, which may be a part of a character. */
type Piece = string | Buffer;

/** The control tokens of a model, and a vocabulary that grows with the pieces of an answer. */
class Vocabulary {
  readonly control: readonly string[];
  readonly #bytes: Buffer[];

  constructor(control: readonly string[]) {
    this.control = control;
    this.#bytes = control.map((text) => Buffer.from(text));
  }

  token(piece: Piece): Token {
    if (typeof piece === 'string') return this.control.indexOf(piece) as Token;
    this.#bytes.push(piece);
    return (this.#bytes.length - 1) as Token;
  }

  get model(): Model {
    const detokenize = (tokens: Token[]) => Buffer.concat(tokens.map((id) => this.#bytes[id] as Buffer)).toString();
    return { detokenize } as unknown as Model;
  }

  get markers(): MarkerTokens {
    return new MarkerTokens({ tokens: this.control, types: this.control.map(() => 3) });
  }
}

interface Family {
  readonly vocabulary: Vocabulary;
  readonly format: CallFormat;
  readonly markup: ReasoningMarkup | undefined;
  readonly prompt: string;
}

/** Returns what an answer of these pieces becomes. */
function outputOf({ vocabulary, format, markup, prompt }: Family, pieces: readonly Piece[]) {
  const { markers } = vocabulary;
  const events: GenerationProgress[] = [];
  const output = new Output({
    model: vocabulary.model,
    prompt: [],
    stop: [],
    ignored: [],
    maxTokens: 100_000,
    begin: performance.now(),
    report: (event) => events.push(event),
    calls: promptCalls(format, { tools: TOOLS }, { markup, mayBegin: false }, markers),
    reasoning: markup && { markup, prompt, markers: markers.among(markersOf(markup)), maxTokens: undefined },
  });
  const constraints: { expression: CallConstraint['expression']; rest: string }[] = [];
  const follow = (next: number) => {
    const { expression } = output.callConstraint ?? {};
    if (expression === undefined || expression === constraints.at(-1)?.expression) return;
    const rest = Buffer.concat(pieces.slice(next).map((each) => Buffer.from(each))).toString();
    // A constraint cannot begin inside a character.
    if (!rest.startsWith('\uFFFD')) constraints.push({ expression, rest: rest.replace(/<\|call\|>$/, '') });
  };
  follow(0);
  for (const [index, piece] of pieces.entries()) {
    output.push(vocabulary.token(piece));
    follow(index + 1);
  }
  const { text, reasoning, toolCalls } = output.end('stop', { promptTokens: 0, cachedPromptTokens: 0 });
  const sent = (kind: 'answer' | 'reasoning') =>
    events.map((event) => (event.type === 'text' && event.kind === kind ? event.text : '')).join('');
  return {
    text,
    reasoning,
    calls: toolCalls.map(({ name, arguments: given }) => [name, JSON.parse(given)]),
    isSent: sent('answer') === text && sent('reasoning') === reasoning,
    called: events.filter(({ type }) => type === 'toolCall').length,
    /** Whether a model that is constrained to one call may write the rest of it. */
    mayFollow:
      toolCalls.length !== 1 || constraints.slice(-1).every(({ expression, rest }) => accepts(expression, rest)),
  };
}

function familyOf({ template, control = [], vocabulary = [] }: CallFamily): Family {
  const all = [...control, ...vocabulary];
  const special = new Set(all);
  const variables = {
    messages: PROBE_CONVERSATION,
    tools: [PROBE_TOOL],
    add_generation_prompt: true,
    eos_token: '</s>',
  };
  let rendered = '';
  try {
    rendered = compileTemplate(template).render(variables).text;
  } catch (error) {
    if (!(error instanceof ChatTemplateError)) throw error;
  }
  const format = detectCallFormat({ template, rendered, special }) ?? GENERIC_FORMAT;
  const markup = detectMarkup({ template: `${template}${rendered}`, special });
  const own = markup ?? { tags: [{ open: '<think>', close: '</think>' }], wrappers: [] };
  const prompt = own.channels === undefined ? '<|assistant|>' : '<|start|>assistant';
  return { vocabulary: new Vocabulary(all), format, markup: format.isOpened === true ? undefined : own, prompt };
}

/** Splits text into control tokens and the texts between them. */
function atControl(text: string, control: readonly string[]): string[] {
  let parts = [text];
  for (const marker of control) {
    parts = parts.flatMap((part) =>
      control.includes(part)
        ? [part]
        : part.split(marker).flatMap((between, index) => (index === 0 ? [between] : [marker, between])),
    );
  }
  return parts.filter((part) => part !== '');
}

/** Returns the answer as control tokens and texts. */
function inPieces(answer: string, control: readonly string[]): Piece[] {
  return atControl(answer, control).map((part): Piece => (control.includes(part) ? part : Buffer.from(part)));
}

/** Returns the pieces with their texts cut into so many bytes. */
function inBytes(whole: readonly Piece[], length: number): Piece[] {
  return whole.flatMap((part): Piece[] => {
    if (typeof part === 'string') return [part];
    const count = Math.ceil(part.length / length);
    return Array.from({ length: count }, (_, index) => part.subarray(index * length, (index + 1) * length));
  });
}

/** Yields the pieces with one text cut in two, at every byte. */
function* cuts(whole: readonly Piece[]): Generator<Piece[]> {
  for (const [index, part] of whole.entries()) {
    if (typeof part === 'string') continue;
    for (let at = 0; at < part.length; at += 1) {
      const pieces = at === 0 ? [part] : [part.subarray(0, at), part.subarray(at)];
      yield [...whole.slice(0, index), ...pieces, ...whole.slice(index + 1)];
    }
  }
}

interface Wanted {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly unknown[];
}

function expectOf(family: Family, answer: string, wanted: Wanted, options = { isCutAnywhere: true }): void {
  const expected = { ...wanted, isSent: true, called: wanted.calls.length, mayFollow: true };
  const whole = inPieces(answer, family.vocabulary.control);
  const equal = [1, 2, 3, 7].map((length) => inBytes(whole, length));
  for (const pieces of options.isCutAnywhere ? [...equal, ...cuts(whole)] : equal) {
    const shown = pieces.map(String);
    expect([shown, outputOf(family, pieces)]).toEqual([shown, expected]);
  }
}

const WEATHER = ['get_weather', { town: TOWN }];
const NOTES = ['list_notes', {}];

const reasoning = FAMILIES.filter((each) => familyOf(each).markup !== undefined);
const parallel = FAMILIES.filter((each) => each.parallel !== undefined);
const inTown = (text: string) => text.replaceAll('Bern', TOWN);
const isChannels = ({ markup }: Family) => markup?.channels !== undefined;

describe('the output of a model, cut at any byte', () => {
  it.each(FAMILIES)('has the call, and the text before it, in the format of $name', (each) => {
    const { text = '', pieces } = each;
    expectOf(familyOf(each), inTown(pieces.join('')), { text, reasoning: '', calls: [WEATHER] });
  });

  it.each(parallel)('has several calls in the format of $name', (each) => {
    const wanted = { text: '', reasoning: '', calls: [WEATHER, NOTES] };
    expectOf(familyOf(each), inTown(each.parallel ?? ''), wanted, { isCutAnywhere: false });
  });

  it.each(reasoning)('has reasoning before a call in the format of $name', (each) => {
    const { text = '', pieces } = each;
    const family = familyOf(each);
    const before = isChannels(family)
      ? `<|channel|>analysis<|message|>${REASONING}<|end|><|start|>assistant`
      : `<think>${REASONING}</think>\n\n`;
    expectOf(family, before + inTown(pieces.join('')), { text, reasoning: REASONING, calls: [WEATHER] });
  });

  it.each(FAMILIES)('has text that resembles a call, which is none in the format of $name', (each) => {
    const family = familyOf(each);
    const mentioned = `${TOWN}: {"town": "x"} <tool <function [TOOL_ ${TOWN}`;
    const header = isChannels(family) ? '<|channel|>final<|message|>' : (family.format.textName ?? '');
    const wanted = { text: mentioned, reasoning: '', calls: [] };
    expectOf(family, header + mentioned, wanted, { isCutAnywhere: false });
  });
});
