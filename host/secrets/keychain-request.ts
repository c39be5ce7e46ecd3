/** The name entries of the keychain stand under, beside what they are. */
export const KEYCHAIN_SERVICE = 'TabAgent';

/** What a process that asks the keychain reads on its input, as JSON. */
export type KeychainRequest =
  | { readonly do: 'get' | 'delete'; readonly account: string }
  | { readonly do: 'set'; readonly account: string; readonly value: string };

/** What it writes on its output, as JSON. */
export type KeychainAnswer =
  /** The secret, null where there is no such entry; of `set` and `delete` always null. */
  | { readonly value: string | null }
  /** In the keychain's own words, which hold no secret. */
  | { readonly error: string };
