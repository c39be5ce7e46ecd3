import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Client } from './client.ts';
import { modelOnDisk } from './model-argument.ts';
import { UsageError } from './usage-error.ts';

/** A file or model and, after the last colon, a scale. */
const WITH_SCALE = /^(.+?)(?::(-?\d+(?:\.\d+)?))?$/;

/** Matches text that is a path even if no such file exists. */
const PATH = /^(\.{0,2}[/\\]|~[/\\]|[A-Za-z]:[/\\])/;

/** An adapter as `LOAD_MODEL` takes it. */
export type NamedAdapter = { readonly scale?: number } & ({ readonly path: string } | { readonly id: string });

/**
 * Reads adapters as users name them: a file, or a downloaded adapter by its ID or a short name, then `:SCALE` unless
 * that is 1. `none` alone names none.
 *
 * @throws UsageError; HostError `MODEL_NOT_DOWNLOADED` with the most similar name.
 */
export async function readAdapters(typed: readonly string[], client: Client): Promise<NamedAdapter[]> {
  if (typed.length === 1 && typed[0] === 'none') return [];
  const adapters: NamedAdapter[] = [];
  for (const text of typed) {
    const [, name = '', scale] = WITH_SCALE.exec(text) ?? [];
    if (name === '') throw new UsageError('Missing adapter. Give a file, or the name of a downloaded adapter.');
    const path = name.replace(/^~(?=[/\\])/, homedir());
    const isFile = PATH.test(name) || existsSync(path);
    const found = isFile ? { path: resolve(path) } : { id: (await modelOnDisk(name, client)).id };
    adapters.push({ ...found, ...(scale === undefined ? {} : { scale: Number(scale) }) });
  }
  return adapters;
}

/** Formats adapters as {@link readAdapters} reads them. */
export function shownAdapters(
  adapters: readonly { id?: string | undefined; path?: string | undefined; scale?: number | undefined }[],
): string {
  if (adapters.length === 0) return 'none';
  return adapters.map(({ id, path, scale = 1 }) => `${id ?? path}${scale === 1 ? '' : `:${scale}`}`).join(' ');
}
