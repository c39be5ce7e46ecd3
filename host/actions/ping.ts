import { VERSION } from '../version.ts';
import type { Actions } from './action.ts';

export const actions: Actions<'PING'> = {
  /** Answers that the host is there. Loads nothing. */
  async PING() {
    const payload = { response: 'pong', version: VERSION, pid: process.pid } as const;
    return { payload, topLevel: payload };
  },
};
