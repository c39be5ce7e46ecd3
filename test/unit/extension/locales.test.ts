import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const EXTENSION = fileURLToPath(new URL('../../../extension', import.meta.url));
const LOCALES = join(EXTENSION, 'public', '_locales');

type Messages = Readonly<Record<string, { readonly message: string }>>;

function messagesOf(language: string): Messages {
  return JSON.parse(readFileSync(join(LOCALES, language, 'messages.json'), 'utf8'));
}

const english = messagesOf('en');
const others = readdirSync(LOCALES).filter((language) => language !== 'en');

describe('the strings', () => {
  it.each(others)('are all there in %s, with the same places for values', (language) => {
    const messages = messagesOf(language);
    expect(Object.keys(messages)).toEqual(Object.keys(english));
    for (const [key, { message }] of Object.entries(messages)) {
      expect([key, message.match(/\$\d/g)?.sort()]).toEqual([key, english[key]?.message.match(/\$\d/g)?.sort()]);
      expect([key, message.trim()]).not.toEqual([key, '']);
    }
  });

  it('are all used', () => {
    const sources = readdirSync(EXTENSION, { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(ts|svelte)$/.test(path) && !path.startsWith('.wxt'))
      .map((path) => readFileSync(join(EXTENSION, path), 'utf8'))
      .join('\n');
    const unused = Object.keys(english).filter(
      (key) => !new RegExp(`['"_]${key}(\\b|_)`).test(sources) && !key.startsWith('tier_'),
    );
    expect(unused).toEqual([]);
  });

  it('fit the stores: a name of at most 75 characters, a description of at most 132', () => {
    for (const language of ['en', ...others]) {
      const { name, description } = messagesOf(language);
      expect(name?.message.length).toBeLessThanOrEqual(75);
      expect(description?.message.length).toBeLessThanOrEqual(132);
    }
  });
});
