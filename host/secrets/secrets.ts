import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HostError, isSystemError } from '../errors.ts';
import { isJsonObject } from '../json.ts';
import { storeError } from '../store/store-error.ts';

/**
 * Secrets a user gave the host, in a file that only this user can read. They leave it for the place they are meant for
 * and no other: never for a log, a reply or an error.
 */
export class Secrets {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** @throws HostError `CACHE_ERROR` where the file cannot be read. */
  async get(name: string): Promise<string | undefined> {
    return (await this.#read()).get(name);
  }

  /** @throws HostError `DISK_FULL`, `CACHE_NOT_WRITABLE`, `CACHE_ERROR`. */
  async set(name: string, value: string): Promise<void> {
    await this.#write((await this.#read()).set(name, value));
  }

  /** Whether there was one. */
  async clear(name: string): Promise<boolean> {
    const all = await this.#read();
    if (!all.delete(name)) return false;
    await this.#write(all);
    return true;
  }

  async #read(): Promise<Map<string, string>> {
    let text: string;
    try {
      text = await readFile(this.#file, 'utf8');
    } catch (error) {
      if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return new Map();
      throw new HostError(
        'CACHE_ERROR',
        `The secrets in ${this.#file} cannot be read. Make the file readable, or remove it.`,
        {
          details: { file: this.#file },
          cause: error,
        },
      );
    }
    const values = parse(text);
    if (!isJsonObject(values)) {
      throw new HostError(
        'CACHE_ERROR',
        `Expected ${this.#file} to hold a JSON object. Remove it, and set the secrets anew.`,
        {
          details: { file: this.#file },
        },
      );
    }
    return new Map(Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  }

  /** Whole or not at all, and never readable by others, not even for a moment. */
  async #write(values: ReadonlyMap<string, string>): Promise<void> {
    const temporary = `${this.#file}.${randomUUID()}`;
    try {
      await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
      const handle = await open(temporary, 'wx', 0o600);
      try {
        await handle.writeFile(`${JSON.stringify(Object.fromEntries(values))}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await chmod(temporary, 0o600);
      await rename(temporary, this.#file);
    } catch (error) {
      await rm(temporary, { force: true });
      throw storeError(error, this.#file);
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What it holds is not said, not even as part of a syntax error.
    return undefined;
  }
}
