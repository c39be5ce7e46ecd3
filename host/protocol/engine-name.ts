/** Allowed names of remote engines: they are part of ids and messages. */
export const ENGINE_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** The first segment of the ids of remote models; no repository can have this owner. */
export const REMOTE_OWNER = 'remote';
