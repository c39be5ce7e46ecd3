/** First argument of a process that accesses the system keychain. `start.ts` checks for it. */
export const KEYCHAIN_ARGUMENT = '--keychain';
