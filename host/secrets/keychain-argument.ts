/** The first argument of a process that accesses the system keychain. The host passes it, and `start.ts` checks for it. */
export const KEYCHAIN_ARGUMENT = '--keychain';
