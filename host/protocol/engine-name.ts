/** What an engine elsewhere may be called: its name stands in ids and in messages. */
export const ENGINE_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
