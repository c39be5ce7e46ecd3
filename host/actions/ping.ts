import { defined } from '../common/defined.ts';
import { VERSION } from '../common/version.ts';
import * as declared from '../protocol/actions/ping.ts';
import { OLDEST_CLIENT, outdated, updateAdvice, type Versions } from '../protocol/versions.ts';
import { handle } from './action.ts';

export const ping = handle(declared.ping, async ({ clientVersion, oldestHost, program }, { services }) => {
  services.setProgram(program);
  const versions: Versions = { host: VERSION, oldestClient: OLDEST_CLIENT, client: clientVersion, oldestHost };
  const update = outdated(versions);
  const payload = {
    response: 'pong',
    version: VERSION,
    pid: process.pid,
    oldestClient: OLDEST_CLIENT,
    ...defined({ update }),
  } as const;
  return { payload, ...defined({ message: update && updateAdvice(update, versions) }) };
});
