/** The service name of the host's keychain entries. */
export const KEYCHAIN_SERVICE = 'TabAgent';

/** The JSON that the keychain process reads from stdin. */
export type KeychainRequest =
  | { readonly do: 'get' | 'delete'; readonly account: string }
  | { readonly do: 'set'; readonly account: string; readonly value: string };

/** The JSON that the keychain process writes to stdout. */
export type KeychainReply =
  /** The secret; null if the entry does not exist, and for `set` and `delete`. */
  | { readonly value: string | null }
  /** The keychain's error message, which contains no secret. */
  | { readonly error: string };
