import { join } from 'node:path';
import { ExternalModels } from '../../../host/external/external-models.ts';

/** Lists what programs hold in the home folder it is given, as a user who is not root. */
const [, , home = ''] = process.argv;
const NOBODY = 65_534;
if (process.getuid?.() === 0) process.setuid?.(NOBODY);
const nothing = () => undefined;
const { models, rejected } = await new ExternalModels({
  config: { env: { HOME: home, OLLAMA_MODELS: home }, paths: { home, locks: join(home, 'locks') } },
  store: () => Promise.reject(new Error('no database')),
  log: { info: nothing, warn: nothing, error: nothing },
}).list();
const reasons = rejected.map(({ path, reason }) => [path, reason]);
process.stdout.write(JSON.stringify({ models: models.map(({ files }) => files[0]?.path), rejected: reasons }));
