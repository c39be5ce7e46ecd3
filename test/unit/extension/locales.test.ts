import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { CAPABILITIES } from '../../../extension/page/capabilities.ts';
import { ERROR_CODES } from '../../../host/protocol/errors.ts';

const EXTENSION = fileURLToPath(new URL('../../../extension', import.meta.url));
const LOCALES = join(EXTENSION, 'public', '_locales');

type Messages = Readonly<Record<string, { readonly message: string }>>;

function messagesOf(language: string): Messages {
  return JSON.parse(readFileSync(join(LOCALES, language, 'messages.json'), 'utf8'));
}

const english = messagesOf('en');
/** Strings that are the same in every language with a Latin script: names and loanwords. */
const SAME_IN_ALL_LANGUAGES: ReadonlySet<string> = new Set([
  'prompts',
  'promptText',
  'direction',
  'details',
  'hub',
  'param_top_p',
  'param_top_k',
  'param_min_p',
  'layersOf',
  'capability_chat',
  'downloadsTitle',
  'capability_code',
  'capability_embedding',
]);

const others = readdirSync(LOCALES).filter((language) => language !== 'en');

/** All sources of the extension. */
const sources = readdirSync(EXTENSION, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.(ts|svelte)$/.test(path) && !path.startsWith('.wxt'))
  .map((path) => readFileSync(join(EXTENSION, path), 'utf8'))
  .join('\n');

const FITS = ['gpu', 'memory', 'tight', 'no'];

/** Prefixes of keys that are composed at run time, with all suffixes that occur. */
const COMPOSED: Readonly<Record<string, readonly string[]>> = {
  error: [...Object.keys(ERROR_CODES), 'HOST_DISCONNECTED', 'unknown'],
  tier: ['fast', 'medium', 'slow'],
  reasoning: ['auto', 'off', 'on', 'low', 'medium', 'high'],
  answerEnd: ['failed', 'stopped', 'length'],
  capability: CAPABILITIES,
  fit: FITS,
  fitHelp: FITS,
  suggestion: ['best', 'balanced', 'smallest'],
};

/** Returns whether the sources use a key: as a literal, in `plural()`, or composed. */
function isUsed(key: string): boolean {
  const [, stem = '', ending = ''] = /^(\w+?)_(\w+)$/.exec(key) ?? [];
  if (COMPOSED[stem] !== undefined) return COMPOSED[stem].includes(ending);
  const plural = /^(\w+)_(?:zero|one|two|few|many|other)$/.exec(key)?.[1];
  return sources.includes(`'${plural ?? key}'`) || sources.includes(`__MSG_${key}__`) || sources.includes(`'${key}'`);
}

describe('the UI strings', () => {
  it.each(others)('are complete in %s, in the same order, with the same placeholders', (language) => {
    const messages = messagesOf(language);
    expect(Object.keys(messages)).toEqual(Object.keys(english));
    for (const [key, { message }] of Object.entries(messages)) {
      expect([key, message.match(/\$\d/g)?.sort()]).toEqual([key, english[key]?.message.match(/\$\d/g)?.sort()]);
      expect([key, message.trim()]).not.toEqual([key, '']);
    }
  });

  it.each(others)('are translated in %s: only names and shared words are the same as in English', (language) => {
    const messages = messagesOf(language);
    const same = Object.keys(english).filter((key) => messages[key]?.message === english[key]?.message);
    expect(same.filter((key) => !SAME_IN_ALL_LANGUAGES.has(key))).toEqual([]);
  });

  it('include a sentence for every error code', () => {
    const codes = COMPOSED.error ?? [];
    expect(codes.filter((code) => !english[`error_${code}`]?.message.endsWith('.'))).toEqual([]);
  });

  it('are all used', () => {
    expect(Object.keys(english).filter((key) => !isUsed(key))).toEqual([]);
  });

  it('contain every key in the sources', () => {
    const used = [...sources.matchAll(/\b(?:t|plural)\('(\w+)'/g)].map(([, key = '']) => key);
    const missing = used.filter((key) => english[key] === undefined && english[`${key}_other`] === undefined);
    expect(missing).toEqual([]);
  });

  it.each(['en', ...others])('follow the typography of %s', (language) => {
    for (const [key, { message }] of Object.entries(messagesOf(language))) {
      expect([key, message]).not.toEqual([key, expect.stringMatching(/["']|\.\.\./)]);
      const ellipsis = language === 'de' ? /\S…/ : / …/;
      expect([key, message]).not.toEqual([key, expect.stringMatching(ellipsis)]);
      const quote = language === 'de' ? /[“][^„]*[”]|”/ : /„/;
      expect([key, message]).not.toEqual([key, expect.stringMatching(quote)]);
    }
  });

  it('fit the stores: a name of at most 75 characters, a description of at most 132', () => {
    for (const language of ['en', ...others]) {
      const { name, description } = messagesOf(language);
      expect(name?.message.length).toBeLessThanOrEqual(75);
      expect(description?.message.length).toBeLessThanOrEqual(132);
    }
  });
});
