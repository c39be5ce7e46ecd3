import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ChatTemplateError, compileTemplate } from '../../../host/chat-template/chat-template.ts';
import type { JsonValue } from '../../../host/common/json.ts';
import { accepts } from '../../../host/grammar/derive.ts';
import { sequence } from '../../../host/grammar/expression.ts';
import { toGbnf } from '../../../host/grammar/gbnf.ts';
import { type CallFormat, callLanguage } from '../../../host/tools/call-format.ts';
import { CallReader } from '../../../host/tools/call-reader.ts';
import { detectCallFormat, GENERIC_FORMAT, PROBE_CONVERSATION, PROBE_TOOL } from '../../../host/tools/formats.ts';
import { readFunctions } from '../../../host/tools/tool-function.ts';
import { FAMILIES, TOOLS } from '../../support/tools/families.ts';

const CORPUS = join(import.meta.dirname, '../../../../shared/cases/templates');

function rendered(source: string): string {
  const variables = {
    messages: PROBE_CONVERSATION,
    tools: [PROBE_TOOL],
    documents: null,
    add_generation_prompt: true,
    bos_token: '',
    eos_token: '</s>',
  };
  try {
    return compileTemplate(source).render(variables, { now: new Date(0) }).text;
  } catch (error) {
    if (error instanceof ChatTemplateError) return '';
    throw error;
  }
}

function formatOf(template: string, special: readonly string[] = []): CallFormat | undefined {
  return detectCallFormat({ template, rendered: rendered(template), special: new Set(special) });
}

function readerFor(
  format: CallFormat,
  tools: readonly JsonValue[] = TOOLS,
  options: { isForced?: boolean; isParallel?: boolean } = {},
) {
  const language = callLanguage(format, readFunctions(tools).functions);
  return new CallReader({ language, isParallel: true, isForced: false, ...options });
}

/** Reads an answer in pieces of this length. */
function read(reader: CallReader, answer: string, length = 1) {
  const parts: ReturnType<CallReader['text']> = [];
  for (let at = 0; at < answer.length; at += length) parts.push(...reader.text(answer.slice(at, at + length)));
  parts.push(...reader.end());
  return {
    text: parts.map((part) => ('text' in part ? part.text : '')).join(''),
    calls: parts.flatMap((part) => ('call' in part ? [{ name: part.call.name, arguments: part.call.arguments }] : [])),
  };
}

const WEATHER = { name: 'get_weather', arguments: '{"town":"Bern"}' };
const NOTES = { name: 'list_notes', arguments: '{}' };
const HERMES = '<tool_call>\n{"name": "get_weather", "arguments": {"town": "Bern"}}\n</tool_call>';

describe('tool calls', () => {
  it.each(FAMILIES)(
    'in the format of $name are found, however the text is split',
    ({ template, control, vocabulary, pieces, text, parallel }) => {
      const format = formatOf(template, [...(control ?? []), ...(vocabulary ?? [])]) ?? GENERIC_FORMAT;
      for (const length of [1, 3, 7, 1000]) {
        const answer = pieces
          .join('')
          .replace(/^<\|channel\|>commentary /, '')
          .replace('<|call|>', '');
        expect(read(readerFor(format), answer, length)).toEqual({ text: text ?? '', calls: [WEATHER] });
        if (parallel !== undefined)
          expect(read(readerFor(format), parallel, length)).toEqual({ text: '', calls: [WEATHER, NOTES] });
      }
    },
  );

  it.each(FAMILIES)(
    'in the format of $name are constrained when they are certain',
    ({ template, control, vocabulary, pieces }) => {
      const format = formatOf(template, [...(control ?? []), ...(vocabulary ?? [])]) ?? GENERIC_FORMAT;
      const answer = pieces
        .join('')
        .replace(/^<\|channel\|>commentary /, '')
        .replace('<|call|>', '');
      const reader = readerFor(format);
      let at = 0;
      while (reader.constraint === undefined && at < answer.length) reader.text(answer[at++] ?? '');
      const { expression } = reader.constraint ?? {};
      expect(expression && accepts(expression, answer.slice(at))).toBe(true);
      expect(expression && accepts(expression, answer.slice(at).replace('Bern', '"'))).toBe(
        ['Qwen3-Coder', 'GLM', 'DeepSeek V4', 'Gemma', 'MiniMax M3'].includes(
          FAMILIES.find((family) => family.template === template)?.name ?? '',
        ),
      );
      expect(expression && toGbnf(expression)).toMatch(/^root ::= /);
    },
  );

  it('have arguments that match the schema', () => {
    const reader = readerFor(GENERIC_FORMAT);
    reader.text('<tool_call>\n{');
    const expression = reader.constraint?.expression ?? sequence();
    const rest = (days: string) =>
      `"name": "get_weather", "arguments": {"town": "Bern", "days": ${days}}}\n</tool_call>`;
    expect(['1', '7', '8', '0', '"1"'].map((days) => accepts(expression, rest(days)))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  it.each([
    ['in a block of code', `Write this:\n\`\`\`\n${HERMES}\n\`\`\`\nDone.`],
    ['in a block of code that does not end', `~~~xml\n${HERMES}`],
    ['in code within a line', `Write \`${HERMES.replaceAll('\n', '')}\` for it.`],
    ['that only begin like one', 'The <tool_call> tag opens a call, <tool_call'],
    ['with a name that no function has', '<tool_call>\nweather</tool_call>'],
  ])('%s are text', (_what, answer) => {
    for (const length of [1, 5, 1000])
      expect(read(readerFor(GENERIC_FORMAT), answer, length)).toEqual({ text: answer, calls: [] });
  });

  it('after a code block are recognized', () => {
    expect(read(readerFor(GENERIC_FORMAT), `\`\`\`\nx\n\`\`\`\n${HERMES}`)).toEqual({
      text: '```\nx\n```',
      calls: [WEATHER],
    });
  });

  it('that are incomplete are dropped, without leaving markup', () => {
    expect(read(readerFor(GENERIC_FORMAT), `Well.\n${HERMES.slice(0, 40)}`)).toEqual({ text: 'Well.', calls: [] });
  });

  it('in plain JSON are distinguished from JSON that is the answer', () => {
    const llama = formatOf(FAMILIES.find(({ name }) => name === 'Llama 3')?.template ?? '') ?? GENERIC_FORMAT;
    const answer = '{"name": "Alice", "parameters": {}}';
    expect(read(readerFor(llama), answer)).toEqual({ text: answer, calls: [] });
    expect(read(readerFor(llama), `See: ${answer}`)).toEqual({ text: `See: ${answer}`, calls: [] });
  });

  it('that are forced are the only possible answer', () => {
    const reader = readerFor(GENERIC_FORMAT, TOOLS, { isForced: true });
    const expression = reader.constraint?.expression ?? sequence();
    expect(accepts(expression, HERMES)).toBe(true);
    expect(accepts(expression, 'Hello')).toBe(false);
    expect(read(reader, HERMES)).toEqual({ text: '', calls: [WEATHER] });
  });

  it('are limited to one if parallel calls are off', () => {
    const mistral = FAMILIES.find(({ name }) => name === 'Mistral');
    const format = formatOf(mistral?.template ?? '', mistral?.control) ?? GENERIC_FORMAT;
    const reader = readerFor(format, TOOLS, { isParallel: false });
    reader.text('[TOOL_CALLS]');
    const expression = reader.constraint?.expression ?? sequence();
    expect(accepts(expression, '[{"name": "list_notes", "arguments": {}, "id": "123456789"}]')).toBe(true);
    expect(accepts(expression, (mistral?.parallel ?? '').replace('[TOOL_CALLS]', ''))).toBe(false);
  });

  it('in tags have values of the types in the schema', () => {
    const coder = formatOf(FAMILIES.find(({ name }) => name === 'Qwen3-Coder')?.template ?? '') ?? GENERIC_FORMAT;
    const parameters = {
      type: 'object',
      properties: {
        code: { $ref: '#/$defs/code' },
        count: { type: ['integer', 'null'] },
        list: { type: 'array', items: { type: 'number' } },
        flag: { type: 'boolean' },
      },
      $defs: { code: { type: 'string' } },
    };
    const answer = `<tool_call>\n<function=f>\n${Object.entries({
      code: '12',
      count: 'null',
      list: '[1, 2.5]',
      flag: 'true',
    })
      .map(([name, value]) => `<parameter=${name}>\n${value}\n</parameter>\n`)
      .join('')}</function>\n</tool_call>`;
    const tools = [{ type: 'function', function: { name: 'f', parameters } }];
    expect(read(readerFor(coder, tools), answer).calls).toEqual([
      { name: 'f', arguments: '{"code":"12","count":null,"list":[1,2.5],"flag":true}' },
    ]);
  });

  it('with an element for each member and item have values of the types that the schema gives them', () => {
    const format = formatOf(FAMILIES.find(({ name }) => name === 'MiniMax M3')?.template ?? '') ?? GENERIC_FORMAT;
    const parameters = {
      type: 'object',
      properties: {
        code: { type: 'string' },
        note: { type: ['string', 'null'] },
        point: { type: 'object', properties: { x: { type: 'number' }, name: { type: 'string' } } },
        rows: { type: 'array', items: { type: 'array', items: { type: 'string' } } },
        item: { type: 'object', properties: { item: { type: 'integer' } } },
        flags: { type: 'array', items: { enum: [true, 'yes', 2] }, minItems: 1, maxItems: 3 },
        none: { type: 'array', items: { type: 'string' } },
        other: { type: 'object', additionalProperties: { type: 'integer' } },
        any: {},
      },
    };
    const arguments_ = {
      code: 'if (a < b) </code>\n  <item>',
      note: '',
      point: { x: 1.5, name: '12' },
      rows: [['1', ''], []],
      item: { item: 3 },
      flags: [2, 'yes', true],
      none: [],
      other: { a: 1, b: 2 },
      any: { list: ['x', 1] },
    };
    const M3 = ']<]minimax[>[';
    const write = (value: unknown): string => {
      if (typeof value !== 'object' || value === null) return String(value);
      const members = Array.isArray(value) ? value.map((item) => ['item', item]) : Object.entries(value);
      return members.map(([name, entry]) => `${M3}<${name}>${write(entry)}${M3}</${name}>`).join('');
    };
    const tools = [{ type: 'function', function: { name: 'f', parameters } }];
    const call = (written: string) =>
      `${M3}<tool_call>\n${M3}<invoke name="f">${written}${M3}</invoke>\n${M3}</tool_call>`;
    expect(read(readerFor(format, tools), call(write(arguments_)))).toEqual({
      text: '',
      calls: [{ name: 'f', arguments: JSON.stringify(arguments_) }],
    });
    const reader = readerFor(format, tools);
    reader.text(`${M3}<tool_call>`);
    const expression = reader.constraint?.expression ?? sequence();
    const isAllowed = (given: object) => accepts(expression, call(write(given)).slice(`${M3}<tool_call>`.length));
    expect(
      [{ point: { x: 1 } }, { point: { x: 'one' } }, { flags: [] }, { flags: [3] }, { unknown: 1 }].map(isAllowed),
    ).toEqual([true, false, false, false, false]);
  });

  (existsSync(CORPUS) ? it : it.skip)('in public templates are read as the templates write them', () => {
    const failed: string[] = [];
    let tried = 0;
    for (const file of readdirSync(CORPUS).filter((name) => name.endsWith('.json') && name !== 'features.json')) {
      const name = file.slice(0, -5);
      const source = readFileSync(join(CORPUS, `${name}.jinja`), 'utf8');
      const { cases } = JSON.parse(readFileSync(join(CORPUS, file), 'utf8'));
      const found = cases.find((each: { name: string }) => each.name === 'tool_call_object');
      const format = formatOf(source);
      const call = found.messages[2].tool_calls[0].function;
      const answer: string =
        found.expected?.slice(found.expected.indexOf(found.messages[1].content) + found.messages[1].content.length) ??
        '';
      // Templates that omit calls, and Llama's, whose calls are only at the start.
      if (format === undefined || !answer.includes(call.name) || format.isBare === true) continue;
      tried += 1;
      const { calls } = read(readerFor(format, found.tools), answer, 3);
      if (calls.length !== 1 || calls[0]?.name !== call.name || !sameValues(calls[0]?.arguments, call.arguments))
        failed.push(name);
    }
    expect({ failed, enough: tried > 25 }).toEqual({ failed: [], enough: true });
  });
});

function sameValues(text: string | undefined, value: object): boolean {
  const sorted = (object: object) => JSON.stringify(Object.entries(object).sort());
  return text !== undefined && sorted(JSON.parse(text)) === sorted(value);
}
