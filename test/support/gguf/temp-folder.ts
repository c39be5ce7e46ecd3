import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary folder for one test file; `remove` removes it with its contents. */
export function tempFolder(name: string): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `tabagent-${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
