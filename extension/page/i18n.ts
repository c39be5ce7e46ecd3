import { browser } from 'wxt/browser';
import type messages from '../public/_locales/en/messages.json';
import { makeFormat } from './format.ts';

/** The key of a string in `_locales`. */
export type MessageKey = keyof typeof messages;

/** The string of `key` in the user's language, with its placeholders filled. */
export function t(key: MessageKey, ...values: (string | number)[]): string {
  return browser.i18n.getMessage(key, values.map(String));
}

/** The language the strings are shown in; it also formats numbers. */
export const language: string = browser.i18n.getUILanguage();

/** Numbers, sizes and times in that language. */
export const format = makeFormat(language);
