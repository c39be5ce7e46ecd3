import { join } from 'node:path';
import { ExternalModels } from '../../../host/external/external-models.ts';

/** Lists external models in the home folder in its argument, as a user who is not root. */
const [, , home = ''] = process.argv;
const NOBODY = 65_534;
if (process.getuid?.() === 0) process.setuid?.(NOBODY);
const ignore = () => undefined;
const { models, rejected } = await new ExternalModels({
  config: { env: { HOME: home, OLLAMA_MODELS: home }, paths: { home, locks: join(home, 'locks') } },
  store: () => Promise.reject(new Error('no database')),
  log: { info: ignore, warn: ignore, error: ignore },
}).list();
const reasons = rejected.map(({ path, reason }) => [path, reason]);
process.stdout.write(JSON.stringify({ models: models.map(({ files }) => files[0]?.path), rejected: reasons }));
