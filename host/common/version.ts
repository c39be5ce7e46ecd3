import manifest from '../../package.json' with { type: 'json' };

/** The host's version, as package.json says it. */
export const VERSION: string = manifest.version;
