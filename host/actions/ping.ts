import { defined } from '../common/defined.ts';
import { VERSION } from '../common/version.ts';
import { OLDEST_CLIENT, outdated, updateAdvice, type Versions } from '../protocol/versions.ts';
import type { Actions } from './action.ts';

export const actions: Actions<'PING'> = {
  /** Answers that the host is there, and whether the two sides are of an age. Loads nothing. */
  async PING({ clientVersion, oldestHost }) {
    const versions: Versions = { host: VERSION, oldestClient: OLDEST_CLIENT, client: clientVersion, oldestHost };
    const update = outdated(versions);
    const payload = {
      response: 'pong',
      version: VERSION,
      pid: process.pid,
      oldestClient: OLDEST_CLIENT,
      ...defined({ update }),
    } as const;
    return { payload, topLevel: payload, ...(update === undefined ? {} : { message: updateAdvice(update, versions) }) };
  },
};
