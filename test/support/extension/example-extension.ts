import { createHash, generateKeyPairSync } from 'node:crypto';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { OtherExtension } from '../browser/browser.ts';

const SOURCE = fileURLToPath(new URL('../../example-extension', import.meta.url));

/** The client that authors of extensions copy. */
const CLIENT = fileURLToPath(new URL('../../../extension/web-ai/client.ts', import.meta.url));

/** Builds the example of an extension that uses TabAgent in a folder. The client is also a module of its own, `client.js`. */
export async function buildExampleExtension(folder: string): Promise<OtherExtension> {
  await cp(SOURCE, folder, { recursive: true, filter: (path) => !path.endsWith('.ts') });
  const entryPoints = { ask: join(SOURCE, 'ask.ts'), client: CLIENT };
  await build({ entryPoints, outdir: folder, bundle: true, splitting: true, format: 'esm', logLevel: 'error' });
  const file = join(folder, 'manifest.json');
  const manifest = JSON.parse(await readFile(file, 'utf8'));
  // Without a key, the ID in Chromium depends on the folder.
  const { publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  });
  await writeFile(file, JSON.stringify({ ...manifest, key: publicKey.toString('base64') }));
  return { folder, chromiumId: chromiumId(publicKey), firefoxId: manifest.browser_specific_settings.gecko.id };
}

/** Returns the ID that Chromium derives from the key in a manifest: 16 bytes of its digest, with the letters a to p. */
function chromiumId(key: Buffer): string {
  const digest = createHash('sha256').update(key).digest('hex').slice(0, 32);
  return digest.replace(/./g, (digit) => String.fromCharCode('a'.charCodeAt(0) + Number.parseInt(digit, 16)));
}
