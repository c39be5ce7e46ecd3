/** A brand of a Chromium-based browser, as `navigator.userAgentData` lists them. */
interface Brand {
  readonly brand: string;
}

/** Longest name that the host accepts, UTF-16 units. */
const MAX_NAME = 64;

/**
 * Returns the name of this browser, which the user's other programs show for the models that its host has loaded.
 *
 * @param brands The brands of a Chromium-based browser, among them `Chromium` and one that no browser has, which makes
 *   sites compare them correctly; undefined in Firefox.
 */
export function browserName(brands: readonly Brand[] | undefined): string {
  if (brands === undefined) return 'Firefox';
  const names = brands
    .map(({ brand }) => brand)
    .filter((name) => !/\bnot\b.*\bbrand\b/i.test(name.replaceAll('_', ' ')));
  return (names.find((name) => name !== 'Chromium') ?? 'Chromium').slice(0, MAX_NAME);
}
