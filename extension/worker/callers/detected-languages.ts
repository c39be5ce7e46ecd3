import type { Verbs } from '../../web-ai/client.ts';

/** The result of `i18n.detectLanguage`. */
export interface Detected {
  readonly isReliable: boolean;
  readonly languages: readonly { readonly language: string; readonly percentage: number }[];
}

/** Factors that convert shares of a text to confidences, depending on whether the browser calls its result reliable. */
const RELIABLE = 0.98;
const UNRELIABLE = 0.6;

/** Converts shares of a text into confidences, highest first. The last one is for an unknown language, `und`. */
export function languagesOf({ isReliable, languages }: Detected): Verbs['detect']['result'] {
  const factor = isReliable ? RELIABLE : UNRELIABLE;
  const found = languages
    .filter(({ language, percentage }) => language !== 'und' && percentage > 0)
    .map(({ language, percentage }) => ({ language: canonical(language), confidence: (percentage / 100) * factor }))
    .sort((one, other) => other.confidence - one.confidence);
  const sum = found.reduce((total, { confidence }) => total + confidence, 0);
  const unknown = Math.max(0.001, 1 - Math.max(sum, 0));
  const likely = found.filter(({ confidence }) => confidence > unknown);
  return { languages: [...likely, { language: 'und', confidence: Math.min(unknown, 1) }] };
}

function canonical(tag: string): string {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? tag;
  } catch {
    return tag;
  }
}
