import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { compileTemplate, type JsonInput, TemplateRaisedError } from '../../../host/chat-template/chat-template.ts';

/** Public templates with what the reference renders. Their texts have licences of their own and are not part of this repository. */
const CORPUS = join(import.meta.dirname, '../../../../shared/cases/templates');

interface Case {
  readonly name: string;
  readonly messages: JsonInput;
  readonly tools?: JsonInput;
  readonly add_generation_prompt: boolean;
  readonly kwargs: { readonly [name: string]: JsonInput };
  readonly expected?: string;
  readonly error?: { readonly type: string; readonly message: string };
}

const available = existsSync(CORPUS);
const templates = available ? readdirSync(CORPUS).filter((file) => file.endsWith('.jinja')) : ['(no corpus)'];

(available ? describe : describe.skip)('The corpus of public templates', () => {
  it.each(templates)('%s renders as the reference does', (file) => {
    const template = compileTemplate(readFileSync(join(CORPUS, file), 'utf8'));
    const { now, cases } = readJson<{ now: string; cases: readonly Case[] }>(file.replace('.jinja', '.json'));
    const differing = cases.filter((one) => outcome(template, one, new Date(now)) !== wanted(one));
    expect(differing.map(({ name }) => name)).toEqual([]);
  });

  it('renders individual features as the reference does', () => {
    const { messages, cases } = readJson<{
      messages: JsonInput;
      cases: readonly { name: string; template: string; expected?: string; error?: object }[];
    }>('features.json');
    const differing = cases.filter(({ template, expected }) => {
      try {
        return compileTemplate(template).render({ messages }).text !== expected;
      } catch {
        return expected !== undefined;
      }
    });
    expect(differing.map(({ name }) => name)).toEqual([]);
  });
});

function outcome(template: ReturnType<typeof compileTemplate>, one: Case, now: Date): string {
  const variables = {
    messages: one.messages,
    tools: one.tools ?? null,
    documents: null,
    add_generation_prompt: one.add_generation_prompt,
    ...one.kwargs,
  };
  try {
    return template.render(variables, { now }).text;
  } catch (error) {
    return error instanceof TemplateRaisedError ? `raised: ${error.message}` : 'refused';
  }
}

function wanted({ expected, error }: Case): string | undefined {
  return error?.type === 'TemplateError' ? `raised: ${error.message}` : error === undefined ? expected : 'refused';
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(join(CORPUS, file), 'utf8'));
}
