import type { Estimate } from '../../protocol/actions/estimate.ts';

/** Describes an estimate in a few words. */
export function formatEstimate({ fits, tokensPerSecond }: Pick<Estimate, 'fits' | 'tokensPerSecond'>): string {
  if (!fits) return 'does not fit available memory';
  return tokensPerSecond === null ? 'fits' : `about ${tokensPerSecond} tokens/s here`;
}
