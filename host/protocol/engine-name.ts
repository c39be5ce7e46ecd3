/** What an engine elsewhere may be called: its name stands in ids and in messages. */
export const ENGINE_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Begins the ids of models elsewhere; no repository of a hub can be named by it. */
export const REMOTE_OWNER = 'remote';
