import { language } from './i18n.ts';

/** Returns the name of the user's language in that language, such as "Deutsch". */
export function languageName(): string {
  return new Intl.DisplayNames([language], { type: 'language' }).of(language) ?? language;
}
