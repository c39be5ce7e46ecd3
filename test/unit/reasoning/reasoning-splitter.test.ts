import { describe, expect, it } from '@jest/globals';
import { detectMarkup } from '../../../host/reasoning/formats.ts';
import { ReasoningSplitter } from '../../../host/reasoning/reasoning-splitter.ts';
import type { Separated } from '../../../host/reasoning/segment.ts';

/** A model: its template, and what it writes. */
interface Case {
  readonly template: string;
  readonly prompt?: string;
  readonly output: string;
  readonly reasoning: string;
  readonly answer: string;
}

const GPT_OSS = '<|start|>assistant<|channel|>analysis<|message|>';

const CASES: Readonly<Record<string, Case>> = {
  '<think>': {
    template: '<think></think>',
    output: '<think>\nLet me see.\n\nYes.\n</think>\n\nHello!\n',
    reasoning: 'Let me see.\n\nYes.',
    answer: 'Hello!\n',
  },
  'a block that the prompt has opened': {
    template: '<think>',
    prompt: '<|im_start|>assistant\n<think>\n',
    output: 'Hm.\n</think>\n\nHello!',
    reasoning: 'Hm.',
    answer: 'Hello!',
  },
  'a block that is opened twice': {
    template: '<think>',
    prompt: 'assistant<think>\n',
    output: '<think>\nHm.</think>Hello!',
    reasoning: 'Hm.',
    answer: 'Hello!',
  },
  'a block that the prompt has closed': {
    template: '<think>',
    prompt: '<think>\n\n</think>\n\n',
    output: 'The tag </think> ends a <think> block.',
    reasoning: '',
    answer: 'The tag </think> ends a <think> block.',
  },
  'an answer that mentions the tags': {
    template: '<think>',
    output: '<think>Hm.</think>Write <think>, then </think>.',
    reasoning: 'Hm.',
    answer: 'Write <think>, then </think>.',
  },
  'an answer without reasoning': {
    template: '<think>',
    output: '  2 < 3 <thin',
    reasoning: '',
    answer: '  2 < 3 <thin',
  },
  'reasoning that is cut': { template: '<think>', output: '<think>Hm. </thi', reasoning: 'Hm. </thi', answer: '' },
  'an end without a beginning': { template: '</mm:think>', output: '</mm:think>Hi', reasoning: '', answer: 'Hi' },
  '<seed:think>': {
    template: "{% set b = '<seed:think>' %}",
    output: '<seed:think>Hm.</seed:think>Hi',
    reasoning: 'Hm.',
    answer: 'Hi',
  },
  '<think:name>': {
    template: '',
    prompt: '<assistant><think:open>',
    output: 'Hm.</think:open>Hi',
    reasoning: 'Hm.',
    answer: 'Hi',
  },
  '[THINK]': { template: '[THINK]', output: '[THINK]Hm.[/THINK]Hi', reasoning: 'Hm.', answer: 'Hi' },
  Cohere: {
    template: '<|START_THINKING|><|START_RESPONSE|>',
    output: '<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>Hi<|END_RESPONSE|>',
    reasoning: 'Hm.',
    answer: 'Hi',
  },
  'Granite, in tags': {
    template: 'Use <think></think> and <response></response>.',
    output: '<think>Hm.</think>\n<response>Hi </response> there\n</response>\n',
    reasoning: 'Hm.',
    answer: 'Hi </response> there',
  },
  'Granite, in words': {
    template: 'Here is my thought process: Here is my response:',
    output: 'Here is my thought process:\nHm.\n\nHere is my response:\nHi',
    reasoning: 'Hm.',
    answer: 'Hi',
  },
  Apriel: {
    template: 'Here are my reasoning steps:\n [BEGIN FINAL RESPONSE]',
    prompt: '<|begin_assistant|>\nHere are my reasoning steps:\n',
    output: 'Hm.\n[BEGIN FINAL RESPONSE]\nHi\n[END FINAL RESPONSE]',
    reasoning: 'Hm.',
    answer: 'Hi',
  },
  Apertus: {
    template: '<|inner_prefix|>',
    output: '<|inner_prefix|>Hm.<|inner_suffix|>Hi',
    reasoning: 'Hm.',
    answer: 'Hi',
  },
  Gemma: {
    template: '<|channel>thought\n<channel|>',
    output: '<|channel>thought\nHm.<channel|>Hi',
    reasoning: 'Hm.',
    answer: 'Hi',
  },
  Kimi: { template: '◁think▷', output: '◁think▷Hm.◁/think▷Hi', reasoning: 'Hm.', answer: 'Hi' },
  'channels of gpt-oss': {
    template: GPT_OSS,
    prompt: '<|end|><|start|>assistant',
    output:
      '<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>analysis<|message|>So.<|end|><|start|>assistant<|channel|>final<|message|>Hi <b>',
    reasoning: 'Hm.\n\nSo.',
    answer: 'Hi <b>',
  },
  'channels whose answer the prompt has begun': {
    template: GPT_OSS,
    prompt: '<|start|>assistant<|channel|>final<|message|>',
    output: ' Hi',
    reasoning: '',
    answer: 'Hi',
  },
  'channels without a header': {
    template: GPT_OSS,
    prompt: '<|start|>assistant',
    output: 'to be or not',
    reasoning: '',
    answer: 'to be or not',
  },
  'messages of Solar': {
    template: '<|begin|><|think|><|content|>',
    prompt: '<|end|><|begin|>assistant',
    output: '<|think|>Hm.<|end|><|begin|>assistant<|content|>Hi',
    reasoning: 'Hm.',
    answer: 'Hi',
  },
};

function splitter({ template, prompt = 'assistant\n' }: Pick<Case, 'template' | 'prompt'>, tokens: string[] = []) {
  const markup = detectMarkup({ template: `${template}\n${prompt}`, special: new Set(tokens) });
  if (markup === undefined) throw new Error('Expected markup');
  return new ReasoningSplitter({ markup, prompt, tokens: new Set(tokens) });
}

function joined(segments: readonly Separated[], kind: Separated['kind']): string {
  return segments
    .filter((segment) => segment.kind === kind)
    .map(({ text }) => text)
    .join('');
}

/** Yields all splits of an output into two pieces, and one into characters. */
function* chunkings(output: string): Generator<readonly string[]> {
  for (let at = 0; at <= output.length; at++) yield [output.slice(0, at), output.slice(at)];
  for (const size of [1, 2, 3, 5]) {
    yield Array.from({ length: Math.ceil(output.length / size) }, (_, i) => output.slice(i * size, (i + 1) * size));
  }
}

describe('reasoning is separated from the answer, however the output is split', () => {
  it.each(Object.entries(CASES))('%s', (_name, example) => {
    for (const pieces of chunkings(example.output)) {
      const reader = splitter(example);
      const segments = [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()];
      expect({
        pieces,
        reasoning: joined(segments, 'reasoning'),
        answer: joined(segments, 'answer'),
      }).toEqual({ pieces, reasoning: example.reasoning, answer: example.answer });
    }
  });
});

describe('a marker that is a token', () => {
  const tokens = ['<think>', '</think>'];

  it('is text if it is spelled out', () => {
    const reader = splitter({ template: '<think>' }, tokens);
    const segments = [
      ...reader.pushMarker('<think>', false),
      ...reader.push('It ends with </think>, I think.'),
      ...reader.pushMarker('</think>', false),
      ...reader.push('<think>'),
      ...reader.end(),
    ];
    expect(joined(segments, 'reasoning')).toBe('It ends with </think>, I think.');
    expect(joined(segments, 'answer')).toBe('<think>');
  });

  it('is text of the answer unless it is a control token, which is always markup', () => {
    const write = (isControl: boolean) => {
      const reader = splitter({ template: '<think>' }, tokens);
      return [
        ...reader.push('Use '),
        ...reader.pushMarker('</think>', isControl),
        ...reader.push(' or '),
        ...reader.pushMarker('<think>', isControl),
        ...reader.push('x'),
        ...reader.end(),
      ];
    };
    expect(joined(write(false), 'answer')).toBe('Use </think> or <think>x');
    expect(joined(write(true), 'answer')).toBe('Use  or ');
    expect(joined(write(true), 'reasoning')).toBe('x');
  });
});

describe('a splitter', () => {
  it('reports what comes next, and can end the reasoning', () => {
    const reader = splitter({ template: '<think>', prompt: '<think>\n' });
    expect([reader.isReasoning, reader.isAnswering]).toEqual([true, false]);
    expect(joined(reader.push('Hm'), 'reasoning')).toBe('Hm');
    reader.close();
    expect([reader.isReasoning, reader.isAnswering]).toEqual([false, true]);
    expect(joined(reader.push('\n\nHi'), 'answer')).toBe('Hi');
  });

  it('streams text as soon as it cannot be markup', () => {
    const reader = splitter({ template: '<think>' });
    reader.push('<think>');
    expect(joined(reader.push('abc</thi'), 'reasoning')).toBe('abc');
    expect(joined(reader.push('s'), 'reasoning')).toBe('</this');
  });
});

describe('markup', () => {
  it('is found in the vocabulary if the template has none', () => {
    expect(detectMarkup({ template: '', special: new Set(['<think>', '</think>']) })?.tags).toEqual([
      { open: '<think>', close: '</think>' },
    ]);
    expect(
      detectMarkup({ template: '', special: new Set(['<|start|>', '<|channel|>', '<|message|>']) }),
    ).toHaveProperty('channels');
  });

  it('is not found in a model that does not reason', () => {
    expect(detectMarkup({ template: '<|im_start|>{{ message.content }}', special: new Set(['<|im_start|>']) })).toBe(
      undefined,
    );
  });
});
