import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { conformanceTable } from './conformance.ts';
import { reference } from './reference.ts';

/** `npm run docs`: generates pages from the protocol's declarations. */
const root = fileURLToPath(new URL('../..', import.meta.url));
writeFileSync(join(root, 'host/protocol/REFERENCE.md'), reference());
writeFileSync(join(root, 'host/protocol/CONFORMANCE.md'), conformanceTable());
