/** The first argument of a process that asks the system's keychain: set by the host, looked for by `start.ts`. */
export const KEYCHAIN_ARGUMENT = '--keychain';
