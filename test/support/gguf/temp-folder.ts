import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Creates a temporary folder for a test file. `remove` deletes it with its contents. */
export function tempFolder(name: string): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `tabagent-${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
