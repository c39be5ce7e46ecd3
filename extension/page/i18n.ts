import { browser } from 'wxt/browser';
import type messages from '../public/_locales/en/messages.json';
import { makeFormat } from './format.ts';

/** The key of a string in `_locales`. */
export type MessageKey = keyof typeof messages;

/** A string with forms for one and several, `KEY_one` and `KEY_other`. */
type PluralKey = { [K in MessageKey]: K extends `${infer Stem}_other` ? Stem : never }[MessageKey];

/** Returns the string of `key` in the user's language, with its placeholders filled. */
export function t(key: MessageKey, ...values: (string | number)[]): string {
  return browser.i18n.getMessage(key, values.map(String));
}

/** The language the strings are shown in; it also formats numbers. */
export const language: string = browser.i18n.getUILanguage();

/** Numbers, sizes and times in that language. */
export const format = makeFormat(language);

const pluralRules = new Intl.PluralRules(language);

/** Returns the form of a string for `count`, which fills its first placeholder. */
export function plural(key: PluralKey, count: number, ...values: (string | number)[]): string {
  const shown = [format.number(count), ...values].map(String);
  // A language has the forms its rules need; where a form is the same as the general one, it may be absent.
  const form = `${key}_${pluralRules.select(count)}` as MessageKey;
  return browser.i18n.getMessage(form, shown) || browser.i18n.getMessage(`${key}_other`, shown);
}
