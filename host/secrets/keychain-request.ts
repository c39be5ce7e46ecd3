/** The service name of the host's keychain entries. */
export const KEYCHAIN_SERVICE = 'TabAgent';

/** What the keychain process reads from stdin, as JSON. */
export type KeychainRequest =
  | { readonly do: 'get' | 'delete'; readonly account: string }
  | { readonly do: 'set'; readonly account: string; readonly value: string };

/** What the keychain process writes to stdout, as JSON. */
export type KeychainReply =
  /** The secret; null if there is no such entry, and always null for `set` and `delete`. */
  | { readonly value: string | null }
  /** The keychain's error message, which contains no secret. */
  | { readonly error: string };
