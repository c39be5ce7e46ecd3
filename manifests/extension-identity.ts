import publishing from './publishing.json' with { type: 'json' };

/**
 * The `key` in the manifest of the extension's development build for Chromium: a public key (base64 of the DER
 * SubjectPublicKeyInfo, RSA 2048). It fixes the extension's ID while it is loaded unpacked. The private key was not kept,
 * because it markers nothing.
 */
export const CHROMIUM_PUBLIC_KEY =
  'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApEULiI3e70Ca3P5Jg9pr6G3FsfRBz+w2NQxV+DdZCHUAB5VyF7RpLlpVynmsCwGJmglKSTCmtOluw9NfwHLpgM+C9a6cOy8lS6AtpOeOmGY+GEWCpr8lZ3y36RzQ2eJngpSfHaJdHaPCXqEoQ3DgfqiLcR3z/srbU/k1MpyK7qCokuGTTB7YZv6Toa80vMnthb7bco7RfMcE0lA6CThPbQJYIWflCP7lE4K+6RqUTnVyCGy45p2GeuWAOoAfhSwXR+hiM1cQJG0fn3/3b/1jkg4LhoY/d5T6TFOuVzhC0WmKb4+kMmYemSGiluhO5RsoMmQsPHNpMz9j2xMdjzuAyQIDAQAB';

/**
 * The ID of the development build in Chromium-based browsers. It is derived from the key, and stored so that a host does
 * not have to compute a hash to check its caller.
 */
export const CHROMIUM_EXTENSION_ID = 'himjamfdhofmlajadokkbdcnhlhegnbd';

/**
 * All IDs of the extension in Chromium-based browsers: that of the development build, and those that stores assigned,
 * which are in `publishing.json`.
 */
export const CHROMIUM_EXTENSION_IDS: readonly string[] = [CHROMIUM_EXTENSION_ID, ...publishing.chromiumStoreIds];

/** The extension's ID in Firefox, `browser_specific_settings.gecko.id` in its manifest. */
export const FIREFOX_ADDON_ID = 'tabagent@tabagent.dev';
